#!/usr/bin/env bash
# 2026-11-28. tensorflow-probability 0.25.0, tensorflow 2.21.0, tf-keras 2.21.0, Python 3.11.
#
# TFP knows discrete distributions by a mark (`DiscreteDistributionMixin`), so that
# `TransformedDistribution` does not divide their probabilities by the slope of the map. The mark
# holds for `log_prob` of the marked distribution alone:
#   - `experimental_sample_and_log_prob`, which joint distributions and `tfp.vi` call, divides
#     nevertheless, and disagrees with `log_prob` of its own draw;
#   - `Independent`, `Sample` and `BatchBroadcast` drop the mark, so that two fair coins with the
#     values 0 and 15 have probabilities that sum to 1/225, without a warning.
#
# Output seen:
#   log_prob of the draw  -0.6931   sample_and_log_prob  -3.4012
#   sum of probabilities: Bernoulli 1.000000   Independent 0.004444   Sample 0.004444   BatchBroadcast 0.066667
#
# Exits non-zero if one of these changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q tensorflow==2.21.0 tf-keras==2.21.0 tensorflow-probability==0.25.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/venv/bin/python" - <<'PYTHON'
import itertools

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfb, tfd = tfp.bijectors, tfp.distributions
scale = tfb.Scale(15.0)

coin = tfd.TransformedDistribution(tfd.Bernoulli(probs=0.5, dtype=tf.float32), scale)
draw, both = coin.experimental_sample_and_log_prob(seed=(0, 1))
alone = coin.log_prob(tf.identity(draw))
print(f"log_prob of the draw  {alone:.4f}   sample_and_log_prob  {both:.4f}")
assert np.isclose(alone, np.log(0.5)) and np.isclose(both, np.log(0.5 / 15))


def total(distribution):
    event = distribution.event_shape.num_elements()
    values = 15.0 * np.array(list(itertools.product([0.0, 1.0], repeat=event)), np.float32)
    values = values.reshape(-1, *distribution.event_shape)
    if distribution.batch_shape.rank:
        values = values[:, None]
    log_prob = tfd.TransformedDistribution(distribution, scale).log_prob(values)
    return float(np.exp(log_prob).reshape(len(values), -1)[:, 0].sum())


one = tfd.Bernoulli(probs=0.5, dtype=tf.float32)
two = tfd.Bernoulli(probs=[0.5, 0.5], dtype=tf.float32)
sums = {
    "Bernoulli": total(one),
    "Independent": total(tfd.Independent(two, 1)),
    "Sample": total(tfd.Sample(one, 2)),
    "BatchBroadcast": total(tfd.BatchBroadcast(one, [3])),
}
print("sum of probabilities:", "   ".join(f"{name} {value:.6f}" for name, value in sums.items()))
np.testing.assert_allclose(list(sums.values()), [1, 1 / 225, 1 / 225, 1 / 15], rtol=1e-5)
PYTHON
