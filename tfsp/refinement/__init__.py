"""Training that goes on from what a person has said about the tree.

`refine_run` makes of a run and a constraints.json another run, whose tree satisfies what was said
and whose codes have followed it.
"""

from tfsp.refinement.run import Refined, refine_run

__all__ = ["Refined", "refine_run"]
