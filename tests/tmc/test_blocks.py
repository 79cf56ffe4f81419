"""Rows in blocks: the same results and gradients, never more rows at once than allowed."""

import numpy as np
import pytest
import tensorflow as tf
from reference import tmc

from tfsp.tmc.density import table as attachment
from tfsp.tmc.density.blocks import map_rows


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 14, 15])
@pytest.mark.parametrize("known", [True, False])
def test_blocks_give_what_one_pass_gives(count, known):
    rng = np.random.default_rng(0)
    rows, weights = rng.normal(size=(count, 3)), tf.constant(rng.normal(size=(3, 2)))
    sizes = []

    def function(block):
        sizes.append(np.shape(block)[0])
        return tf.exp(tf.matmul(block, weights))

    def blocked(rows):
        return map_rows(function, rows, 7, shape=(2,))

    if not known:
        spec = tf.TensorSpec([None, 3], tf.float64)
        blocked = tf.function(blocked, input_signature=[spec])
    rows = tf.constant(rows)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        result = blocked(rows)
    assert result.shape == (count, 2)
    expected = np.exp(rows @ weights)
    np.testing.assert_allclose(result, expected, rtol=1e-12)
    np.testing.assert_allclose(
        tape.gradient(result, rows), expected @ weights.numpy().T, rtol=1e-12, atol=1e-300
    )
    if known:
        assert len(sizes) == max(1, -(-count // 7))
        assert max(sizes) <= 7


def test_a_block_below_one_is_one():
    rows = tf.constant(np.arange(5.0))
    np.testing.assert_array_equal(map_rows(lambda x: 2 * x, rows, tf.constant(0)), 2 * rows)


def test_rows_that_fit_go_through_as_they_are():
    seen = []
    rows = tf.zeros([4, 2])
    map_rows(lambda x: seen.append(x) or x, rows, 4, shape=(2,))
    assert seen[0] is rows


@pytest.mark.parametrize("known", [True, False])
def test_densities_of_many_rows_take_bounded_work_arrays(monkeypatch, known):
    rng = np.random.default_rng(1)
    parent, time = tmc.random_tree(rng, 9)
    leaves = tmc.sample_leaves(rng, parent, time, 4)[:9]
    table = attachment.build_table(parent, time, leaves)
    num_entries = table.log_weight.shape[0]
    z = tf.constant(rng.normal(size=(5, 20, 4)))

    def both(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            log_prob = attachment.table_log_prob(z, table)
        edges = attachment.table_attachment(tf.reshape(z, [-1, 4]), table)
        return log_prob, tape.gradient(log_prob, z), edges

    one_pass = both(z)
    seen, entries = [], attachment.entry_log_prob

    def recorded(rows, table):
        result = entries(rows, table)
        if known:
            seen.append(result.shape[0])
        return result

    monkeypatch.setattr(attachment, "entry_log_prob", recorded)
    monkeypatch.setattr(attachment, "_MAX_ENTRIES", 13 * num_entries + 5)
    if not known:
        both = tf.function(both, input_signature=[tf.TensorSpec([None, None, 4], tf.float64)])
    for blocked, whole in zip(both(z), one_pass, strict=True):
        assert blocked.shape == whole.shape
        np.testing.assert_allclose(blocked, whole, rtol=1e-10, atol=1e-12)
    assert not known or (max(seen) == 13 and len(seen) == 2 * 8)
