"""Small arguments of measures, for their contract tests."""


def labelled(rng, *sizes, num_classes=2):
    """Codes `[n, 2]` and labels `[n]` for each size, codes of a class near its label."""
    arrays = []
    for size in sizes:
        labels = rng.permutation(size) % num_classes
        arrays += [labels[:, None] + 0.4 * rng.normal(size=(size, 2)), labels]
    return tuple(arrays)


def points(rng, *sizes):
    """Points in the plane, `[n, 2]`, for each size."""
    return tuple(rng.normal(size=(size, 2)) for size in sizes)


def pair(rng, size=20):
    """Labels of three classes and categories of four, `[n]`."""
    return rng.integers(3, size=size), rng.integers(4, size=size)
