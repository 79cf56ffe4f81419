"""Graphs are made where they pay.

Tracing one takes as long as 5 to 11 steps without it (30 of a discrete VAE).
"""

import functools

import tensorflow as tf

from tfsp.models import StructuredVAE

FEW = 8
_state = {"on": True}


def switch(on):
    """Whether from here on a few steps are run eagerly."""
    _state["on"] = on


def _batches(x, batch_size, steps):
    """How many batches a pass over `x` takes; None if that is not known."""
    if steps is not None:
        return steps
    if isinstance(x, tf.data.Dataset):
        count = int(x.cardinality())
        return count if count >= 0 else None
    shape = getattr(x, "shape", None)
    return -(-int(shape[0]) // (batch_size or 32)) if shape else None


def _steps_of_fit(x=None, y=None, **kwargs):
    batches = _batches(x, kwargs.get("batch_size"), kwargs.get("steps_per_epoch"))
    epochs = kwargs.get("epochs", 1) - kwargs.get("initial_epoch", 0)
    return None if batches is None else batches * epochs


def _steps_of_pass(x=None, y=None, **kwargs):
    return _batches(x, kwargs.get("batch_size"), kwargs.get("steps"))


def _eager_if_few(method, count):
    @functools.wraps(method)
    def run(self, x=None, *args, **kwargs):
        steps = count(x, **{k: v for k, v in kwargs.items() if k != "y"}) if _state["on"] else None
        if steps is None or steps > FEW or self.run_eagerly:
            return method(self, x, *args, **kwargs)
        functions = ("train_function", "test_function", "predict_function")
        kept = {name: getattr(self, name, None) for name in functions}
        self.run_eagerly = True
        for name in functions:
            setattr(self, name, None)
        try:
            return method(self, x, *args, **kwargs)
        finally:
            self.run_eagerly = False
            for name, function in kept.items():
                setattr(self, name, function)

    return run


def install():
    """For every model, from here on."""
    StructuredVAE.fit = _eager_if_few(StructuredVAE.fit, _steps_of_fit)
    StructuredVAE.evaluate = _eager_if_few(StructuredVAE.evaluate, _steps_of_pass)
    StructuredVAE.predict = _eager_if_few(StructuredVAE.predict, _steps_of_pass)
