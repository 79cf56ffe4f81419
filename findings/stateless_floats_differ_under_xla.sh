#!/usr/bin/env bash
# tf.random.stateless_uniform and stateless_normal give other floats from the same seed once XLA
# compiles them, unless the algorithm is named, though it is Philox in either case.
#
# Versions: tensorflow 2.21.0, numpy 2.4.6, Python 3.11, Linux x86-64 (CPU), 2026-11-28.
#
# Behaviour: with the default alg="auto_select" the uint32 draws of one seed agree bit for bit
# between a plain and a compiled function, and the float32 draws of that seed have nothing in
# common: the CPU kernel fills the mantissa from the low bits of each word, XLA's default
# generator from the high ones. Normal draws differ with them. So "stateless" does not mean that a
# result can be had again under `jit_compile`. With alg="philox" named, on one side nothing
# changes, XLA takes the low bits too, and all draws agree.
#
# Seen:
#   auto_select: uint32 agree True,  float32 agree False (plain: low bits, XLA: high bits), normal agree False
#   philox:      uint32 agree True,  float32 agree True  (plain: low bits, XLA: low bits),  normal agree True
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 numpy==2.4.6
cd "$folder"
cat > compare.py <<'PYTHON'
import numpy as np
import tensorflow as tf

SIZE, SEED = [1000], [1, 2]


def compare(alg):
    """(integers agree, floats agree, normals agree, bits plain floats use, bits XLA's use)."""

    def draws():
        return (
            tf.random.stateless_uniform(SIZE, SEED, None, None, tf.uint32, alg=alg),
            tf.random.stateless_uniform(SIZE, SEED, alg=alg),
            tf.random.stateless_normal(SIZE, SEED, alg=alg),
        )

    plain = [value.numpy() for value in tf.function(draws)()]
    compiled = [value.numpy() for value in tf.function(draws, jit_compile=True)()]
    agree = [np.array_equal(a, b) for a, b in zip(plain, compiled, strict=True)]
    return *agree, bits(*plain[:2]), bits(*compiled[:2])


def bits(words, floats):
    """Which 23 bits of the 32 became the float."""
    candidates = {"low bits": words & (2**23 - 1), "high bits": words >> 9}
    names = [n for n, v in candidates.items() if np.array_equal(v * np.float32(2**-23), floats)]
    return names[0] if names else "other"


seen = {}
for alg in ("auto_select", "philox"):
    integers, floats, normals, plain, compiled = seen[alg] = compare(alg)
    print(
        f"{alg + ':':12} uint32 agree {integers}, float32 agree {floats} "
        f"(plain: {plain}, XLA: {compiled}), normal agree {normals}"
    )
expected = {
    "auto_select": (True, False, False, "low bits", "high bits"),
    "philox": (True, True, True, "low bits", "low bits"),
}
raise SystemExit(0 if seen == expected else "the behaviour has changed")
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" compare.py
