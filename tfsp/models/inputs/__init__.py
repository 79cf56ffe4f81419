"""What a user hands to `fit`, `evaluate` and `predict`: checks, weights, examples."""

__all__ = []
