"""The heap of a long test run."""

import gc


def freeze_heap(thoroughly=True):
    """Takes what outlives a test out of later garbage collections, which it makes slow.

    TensorFlow keeps over a million objects of its graphs for good: walking them again and again is
    two fifths of the time of the tests.

    Args:
      thoroughly: look first at what was frozen before, which may have become garbage since. Takes
        a second.
    """
    if thoroughly:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
