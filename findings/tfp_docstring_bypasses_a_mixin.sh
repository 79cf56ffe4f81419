#!/usr/bin/env bash
# 2026-11-28. tensorflow-probability 0.25.0, tensorflow 2.21.0, tf-keras 2.21.0, Python 3.11.
#
# A mixin before `tfd.Distribution` that overrides `log_prob` or `sample` (to check, cache or log)
# works until somebody writes a docstring for `_log_prob` or `_sample_n`. To merge the two texts, the
# metaclass of distributions then puts a copy of `Distribution.log_prob` into the class itself, in
# front of the mixin, which is no longer called. Nothing is said. The same mixin derived from
# `tfd.Distribution` is called in both cases.
#
# Output seen:
#   calls of the mixin: no docstring 2, docstring 0, docstring and a mixin that is a distribution 2
#
# Exits non-zero if this changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tensorflow==2.21.0 tf-keras==2.21.0 tensorflow-probability==0.25.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import tensorflow as tf
import tensorflow_probability as tfp

tfd = tfp.distributions
calls = []


class Counted:
    def log_prob(self, value, name="log_prob", **kwargs):
        """See TFP."""
        calls.append(name)
        return super().log_prob(value, name, **kwargs)

    def sample(self, sample_shape=(), seed=None, name="sample", **kwargs):
        """See TFP."""
        calls.append(name)
        return super().sample(sample_shape, seed, name, **kwargs)


class CountedDistribution(Counted, tfd.Distribution):
    pass


def calls_of(*bases, documented):
    class Zero(*bases):
        def __init__(self):
            kind = tfd.NOT_REPARAMETERIZED
            super().__init__(tf.float32, kind, False, False, parameters={}, name="Zero")

        def _event_shape(self):
            return tf.TensorShape([])

        def _batch_shape(self):
            return tf.TensorShape([])

        if documented:

            def _log_prob(self, value):
                """All mass is at 0."""
                return tf.where(tf.equal(value, 0.0), 0.0, -float("inf"))

            def _sample_n(self, n, seed=None):
                """Zeros."""
                return tf.zeros([n])

        else:

            def _log_prob(self, value):
                return tf.where(tf.equal(value, 0.0), 0.0, -float("inf"))

            def _sample_n(self, n, seed=None):
                return tf.zeros([n])

    calls.clear()
    zero = Zero()
    zero.log_prob(zero.sample(2))
    return len(calls)


plain = calls_of(Counted, tfd.Distribution, documented=False)
documented = calls_of(Counted, tfd.Distribution, documented=True)
derived = calls_of(CountedDistribution, documented=True)
print(
    f"calls of the mixin: no docstring {plain}, docstring {documented}, "
    f"docstring and a mixin that is a distribution {derived}"
)
assert (plain, documented, derived) == (2, 0, 2)
PYTHON
