"""The heap of a long test run."""

import gc


def freeze_heap():
    """Takes what outlives a test out of later garbage collections, which it makes slow.

    TensorFlow keeps over a million objects of its graphs for good: walking them again and again is
    two fifths of the time of the tests.
    """
    gc.collect()
    gc.freeze()
