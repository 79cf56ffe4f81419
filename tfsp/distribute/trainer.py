"""What Keras's trainer lacks where a strategy spans several processes."""

from typing import Any

import keras
import tensorflow as tf

from tfsp.distribute.cluster import several_workers


class Trainer(keras.Model):
    """Makes `fit` and `evaluate` of Keras work on several workers; elsewhere it changes nothing.

    Keras reduces each metric of each step as if it had an axis, which fails. Here the logs of an
    execution are reduced together, one small exchange for all of them.
    """

    train_function: Any
    test_function: Any

    def make_train_function(self, force: bool = False) -> None:
        """See `keras.Model.make_train_function`."""
        if not several_workers(self.distribute_strategy):
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = _executions(self, self.train_step)

    def make_test_function(self, force: bool = False) -> None:
        """See `keras.Model.make_test_function`."""
        if not several_workers(self.distribute_strategy):
            super().make_test_function(force)
        elif self.test_function is None or force:
            self.test_function = _executions(self, self.test_step)


def by_rows(strategy: tf.distribute.Strategy, dataset: Any) -> Any:
    """A dataset of which each worker takes its rows of every batch, unless it says otherwise.

    TensorFlow would deal out the files of a dataset that reads files, and so make other batches.
    """
    if not (several_workers(strategy) and isinstance(dataset, tf.data.Dataset)):
        return dataset
    policies = tf.data.experimental.AutoShardPolicy
    if dataset.options().experimental_distribute.auto_shard_policy != policies.AUTO:
        return dataset
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = policies.DATA
    return dataset.with_options(options)


def _executions(model, step):
    """A function (iterator) -> logs of `steps_per_execution` steps on all workers.

    The logs are means over all replicas: what looks at them, such as a stop on NaN, decides the
    same everywhere. At the end of an epoch Keras reads the metrics themselves, which TensorFlow
    sums over all replicas.
    """
    strategy, repeats = model.distribute_strategy, model.steps_per_execution

    def once(data):
        logs = strategy.run(step, args=(data,))
        return {
            name: tf.add_n(parts) / len(parts)
            for name, value in logs.items()
            for parts in [strategy.experimental_local_results(value)]
        }

    once = model._autoconvert_optionals(once)

    def averaged(values):
        return tf.distribute.get_replica_context().all_reduce("MEAN", tf.identity(values))

    @tf.autograph.experimental.do_not_convert
    def run(iterator):
        logs = once(iterator.get_next())  # raises OutOfRangeError on all workers at once
        if repeats > 1:

            def body(done, data, logs):
                logs = once(data.get_value())
                following = tf.cond(done + 1 < repeats, iterator.get_next_as_optional, lambda: data)
                return done + 1, following, logs

            logs = tf.while_loop(
                lambda done, data, logs: (done < repeats) & data.has_value(),
                body,
                (tf.constant(1), iterator.get_next_as_optional(), logs),
            )[-1]
        means = strategy.run(averaged, args=(tf.stack(list(logs.values())),))
        means = strategy.experimental_local_results(means)[0]
        return dict(zip(logs, tf.unstack(means, num=len(logs)), strict=True))

    if not model.run_eagerly:
        run = tf.function(run, reduce_retracing=True)

    def function(iterator):
        if not isinstance(iterator, tf.distribute.DistributedIterator):
            raise ValueError(
                "Several workers train by `fit`, and are evaluated by `evaluate`: there is no "
                "`train_on_batch` or `test_on_batch` over them."
            )
        return run(iterator)

    return function
