"""Where new leaves attach to a tree: densities, tables of them, places of points, slices."""

__all__ = []
