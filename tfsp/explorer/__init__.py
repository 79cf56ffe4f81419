"""The page for a tree: look into branches, find rows, name nodes, say what belongs together.

`write` makes one HTML file that opens from disk without a network; `collect` is what it shows, and
`read_constraints` reads the answers that a person has taken away from it. See docs/explorer.md.
"""

from tfsp.explorer.collecting import collect
from tfsp.explorer.constraints import Constraints, read_constraints, write_constraints
from tfsp.explorer.run import explore_run
from tfsp.explorer.writing import write

__all__ = [
    "Constraints",
    "collect",
    "explore_run",
    "read_constraints",
    "write",
    "write_constraints",
]
