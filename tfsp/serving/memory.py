"""What an export must not leave behind."""

import contextlib

import tensorflow_probability as tfp


@contextlib.contextmanager
def bijector_cache():
    """Within this context bijectors remember what they map in a cache that goes with it.

    The one that all share holds on to the arguments for as long as their images live. In a graph
    both are of the graph, which thereby holds on to itself: it would never be freed.
    """
    cache = vars(tfp.bijectors.Bijector)["_cache"]
    before, cache.storage = cache.storage, type(cache.storage)()
    try:
        yield
    finally:
        cache.storage = before
