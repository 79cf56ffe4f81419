"""What a user hands to `fit`, `evaluate` and `predict`: checks, weights, examples."""
