"""The heap of a long test run."""

import gc


def freeze_heap():
    """Takes what outlives a test out of later garbage collections, which it makes slow.

    TensorFlow keeps over a million objects of its graphs for good: walking them again and again is
    two fifths of the time of the tests. (The memory in use at the end is the same without this.)
    """
    gc.collect()
    gc.freeze()
