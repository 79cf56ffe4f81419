"""The page of a run served to this machine alone, with a button that has the model learn.

`serve` is what `tfsp explore --serve` runs. Starlette and uvicorn come with the extra `explorer`.
"""

from tfsp.explorer.server.generations import Generations
from tfsp.explorer.server.jobs import Refinements
from tfsp.explorer.server.serving import serve

__all__ = ["Generations", "Refinements", "serve"]
