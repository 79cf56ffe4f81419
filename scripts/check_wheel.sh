#!/usr/bin/env bash
# What a wheel must do in an empty environment, outside the clone, with pip alone and no compiler:
#
#     make wheel && scripts/check_wheel.sh python3.11 dist/tfsp-0.1.0-cp311-*.whl
#     make wheel PYTHON=python3.12 && scripts/check_wheel.sh python3.12 dist/tfsp-0.1.0-cp312-*.whl
#
# Makes a temporary folder with the environment, and takes it away. Ends with "the wheel is good".
set -euo pipefail
if [ $# -ne 2 ] || [ ! -f "$2" ]; then
  echo "usage: $0 PYTHON WHEEL, such as: $0 python3.12 dist/tfsp-0.1.0-cp312-cp312-linux_x86_64.whl" >&2
  exit 2
fi
wheel=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" -m venv "$folder/venv"
cd "$folder"
unset PYTHONPATH
export CC=/bin/false CXX=/bin/false TF_CPP_MIN_LOG_LEVEL=2
venv/bin/pip install --quiet --disable-pip-version-check "$wheel[tables]"
tfsp=venv/bin/tfsp

venv/bin/python - <<'PYTHON'
import pathlib, sys
import numpy as np
import tfsp
from tfsp import tmc
from tfsp.tmc import ops
from tfsp.tmc.native import numpy as core

assert "site-packages" in tfsp.__file__, tfsp.__file__
points = np.random.default_rng(0).normal(size=(50, 3))
tree = tmc.ward_tree(points)
by_cython = core.log_joint(tree.parent, tree.time, points)
by_op = float(ops.log_joint(tree.parent, tree.time, points))
np.testing.assert_allclose(by_op, by_cython, rtol=1e-12)
print(f"Python {sys.version.split()[0]}: log joint {by_op:.6f} by the op and by Cython")

from sklearn.datasets import load_digits, load_wine
from PIL import Image

wine = load_wine(as_frame=True)
wine.data.assign(bottle=[f"bottle-{i:03d}" for i in range(178)], cultivar=wine.target).to_csv("wine.csv", index=False)
digits = load_digits()
for i, (image, label) in enumerate(zip(digits.images[:300], digits.target, strict=False)):
    path = pathlib.Path(f"digits/digit_{label}/{i:04d}.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image * 255 / 16).astype("uint8")).save(path)
PYTHON

test "$($tfsp configs | wc -l)" -ge 30
venv/bin/python -m tfsp --help > help.txt
grep -q demo help.txt
short="--config.train.epochs=4 --config.prior.start_epoch=2"
$tfsp train --data=wine.csv --config.data.label=cultivar --config.data.index=bottle $short --run_dir=runs/wine
$tfsp train --data=digits $short --run_dir=runs/digits
$tfsp evaluate --run_dir=runs/wine --tasks=bounds,members --num_clusters=3
test "$(wc -l < runs/wine/members.csv)" = 179
test "$(wc -l < runs/digits/members.csv)" = 301
test -s runs/digits/figures/summary_tree.png

venv/bin/python - <<'PYTHON'
import sys
import pandas, tensorflow as tf

served = tf.saved_model.load("runs/wine/export").signatures
rows = tf.constant(pandas.read_csv("wine.csv").iloc[:5, :13].to_numpy("float32"))
edges = served["attach"](images=rows)["edge"].numpy()
assert edges.shape == (5,) and "tfsp" not in sys.modules, edges
print(f"served without tfsp: edges {edges.tolist()}")
PYTHON
echo "the wheel is good"
