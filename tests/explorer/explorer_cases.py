"""Small models, data and pages for the tests of the explorer."""

import numpy as np
from PIL import Image


class Plain:
    """A prior without a tree."""

    capabilities = frozenset()


MARKUP = "<b>bold<img src=x onerror=document.title=1> & co.png"  # a careless page would obey it


def folder_of_pictures(folder, each=24, side=8, seed=3):
    """Grey PNG files in three folders of classes, each a bright square somewhere: the folder."""
    rng = np.random.default_rng(seed)
    for kind, (y, x) in {"left": (2, 0), "right": (2, 5), "top": (0, 3)}.items():
        (folder / kind).mkdir(parents=True)
        for i in range(each):
            picture = rng.integers(0, 40, (side, side))
            picture[y : y + 3, x : x + 3] += rng.integers(150, 215)
            name = MARKUP if kind == "top" and i == 0 else f"{kind}-{i:03d}.png"
            path = folder / kind / name
            Image.fromarray(picture.astype(np.uint8)).save(path)
    return folder
