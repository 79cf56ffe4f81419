"""What the workers of a run must agree on before they train it together."""

import json

from tfsp import checkpoint_file, distribute, resume


def check_workers(strategy, config):
    """Checks that a config can be trained under a strategy, and is the same on all workers.

    Args:
      strategy: a `tf.distribute` strategy or None.
      config: complete nested dict.

    Raises:
      ValueError: where several workers have a batch that is not divisible by their replicas, and
        on a worker whose config is not the chief's.
    """
    if not distribute.several_workers(strategy):
        return
    size, replicas = config["train"]["batch_size"], strategy.num_replicas_in_sync
    if size % replicas:
        raise ValueError(
            f"`train.batch_size` is that of all workers together and must be divisible by their "
            f"{replicas} replicas, such as {size - size % replicas or replicas}. Received: {size}."
        )
    config = json.loads(json.dumps(config))
    wanted = distribute.from_chief(strategy, config)
    differing = sorted(
        f"{section}.{name}"
        for section in wanted
        for name in {**_settings(wanted[section]), **_settings(config.get(section))}
        if _settings(wanted[section]).get(name) != _settings(config.get(section)).get(name)
    )
    if differing:
        raise ValueError(
            "This worker was started with another config than the chief. Different: "
            f"{', '.join(differing)}. Give all workers the same command."
        )


def newest_checkpoint(strategy, run):
    """As `resume.newest`, within the scope of a strategy; of several workers the chief decides.

    Args:
      strategy: a `tf.distribute` strategy or None.
      run: a `RunDirectory`.

    Raises:
      ValueError: as `resume.newest`, and on a worker that does not see the chief's checkpoint.
    """
    if not distribute.several_workers(strategy):
        with distribute.scope(strategy):
            return resume.newest(run)
    epochs, name, problems = 0, None, {}
    if distribute.is_chief(strategy):
        # Outside of the scope: there every variable is made by all workers together.
        _, epochs, path, problems = resume.newest(run)
        name = path and path.name
    epochs, name = distribute.from_chief(strategy, (epochs, name))
    if name is None:
        return None, 0, None, problems
    path = run.checkpoints / name
    if not path.exists():
        raise ValueError(
            f"{path} is not there, but the chief goes on from it. The run directory must be on a "
            "file system that all workers see."
        )
    with strategy.scope():
        return checkpoint_file.load(path), epochs, path, problems


def _settings(section):
    """The settings of a section; what is not in one counts as a section with one setting."""
    return section if isinstance(section, dict) else {"value": section}
