"""Parts of rows that several tasks write."""


def prefixed(task, result):
    """The entries of `result` as keys `<task>_<key>`."""
    return {f"{task}_{key}": value for key, value in result.items()}


def by_size(task, result):
    """Mean and deviation for each size of training set, and how many sets there were.

    Args:
      task: name, the prefix of the keys.
      result: dict with sizes, mean, standard_deviation (one entry for each size) and accuracies
        `[sizes, subsets]`.
    """
    row = {}
    for size, mean, deviation in zip(
        result["sizes"], result["mean"], result["standard_deviation"], strict=True
    ):
        row |= {f"{task}_{size}": mean, f"{task}_{size}_sd": deviation}
    return row | {f"{task}_num_subsets": result["accuracies"].shape[1]}
