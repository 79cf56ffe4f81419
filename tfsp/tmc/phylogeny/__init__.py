"""Trees with times for NumPy: checked arrays, and the class that is made of them.

Below it are the functions on `TreeArrays` (`layout`, `spacing`, `newick`, `linkage`, `graphs`,
`surgery`), each of which takes and returns arrays; `Phylogeny` imports all of them, and none of
them imports it.
"""

from tfsp.tmc.phylogeny.arrays import TreeArrays
from tfsp.tmc.phylogeny.phylogeny import Phylogeny

__all__ = ["Phylogeny", "TreeArrays"]
