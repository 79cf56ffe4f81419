"""What all models share: contract, training, objectives, assembly, serving."""

__all__ = []
