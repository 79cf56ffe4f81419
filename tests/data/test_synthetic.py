"""Points in two dimensions: where they lie, and streams that resume."""

import itertools
import json
import math

import numpy as np
import pytest
import tensorflow as tf
from reference import shapes, statistics

from tfsp import data

NAMES = ("circle", "infinity", "square", "star", "two_gaussians")
COUNT = 20_000


def points_of(name, **options):
    return data.load(name, test_size=COUNT, **options).arrays("test")[0].astype(np.float64)


@pytest.mark.parametrize("name", NAMES)
def test_form(name):
    labelled = name == "two_gaussians"
    loaded = data.load(name, batch_size=64, labels=labelled, train_size=640, test_size=100)
    info = loaded.info
    assert name in data.names()
    facts = (info.name, info.image_shape, info.binarization, info.split)
    assert facts == (name, (2,), "none", "standard")
    assert (info.num_train, info.num_validation, info.num_test) == (640, 10_000, 100)
    assert info.num_classes == (2 if labelled else None)
    assert ("0.2" if labelled else "0.05") in info.source
    json.dumps(info.to_dict())
    assert loaded.steps_per_epoch == 10
    for dataset, batches in ((loaded.train, 10), (loaded.test, 2)):
        elements = list(dataset)
        assert len(elements) == batches == int(dataset.cardinality())
        for element in elements:
            x = element[0] if labelled else element
            assert x.dtype == tf.float32
            assert x.shape[1:] == (2,)
            if labelled:
                assert element[1].dtype == tf.int32
                assert element[1].shape == x.shape[:1]
    spec = loaded.train_stream().element_spec
    assert (spec[0] if labelled else spec).shape == (64, 2)
    assert (loaded.arrays("test")[1] is None) != labelled


@pytest.mark.parametrize("name", ["square", "star"])
def test_polygons(name):
    corners = shapes.polygon(name)
    points = points_of(name, noise=0.0)
    assert shapes.distance_to_polygon(points, corners).max() < 1e-6
    # Uniform by length: each side has its share. Fails for a right sampler with P < 1e-6.
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    found = np.bincount(shapes.nearest_side(points, corners), minlength=len(corners)) / COUNT
    atol = statistics.frequency_tolerance(COUNT, len(corners))
    np.testing.assert_allclose(found, lengths / lengths.sum(), rtol=0, atol=atol)
    # and uniform within a side: thirds of the first one.
    a, b = corners[0], corners[1]
    first = points[shapes.nearest_side(points, corners) == 0]
    share = (first - a) @ (b - a) / np.sum((b - a) ** 2)
    thirds = np.histogram(share, bins=[0, 1 / 3, 2 / 3, 1])[0] / len(first)
    atol = statistics.frequency_tolerance(len(first), 3)
    np.testing.assert_allclose(thirds, 1 / 3, rtol=0, atol=atol)


def test_star_points_up_and_has_five_points():
    points = points_of("star", noise=0.0)
    radius, angle = np.linalg.norm(points, axis=1), np.arctan2(points[:, 0], points[:, 1])
    tips = angle[radius > 0.97] / (2 * np.pi / 5)
    assert set(np.rint(tips).astype(int) % 5) == {0, 1, 2, 3, 4}
    assert np.abs(tips - np.rint(tips)).max() < 0.05
    assert radius.min() == pytest.approx((3 - math.sqrt(5)) / 2, abs=1e-3)  # .382


def test_circle():
    points = points_of("circle", noise=0.0)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1.0, atol=1e-6)
    counts = np.histogram(np.arctan2(*points.T), bins=12, range=(-np.pi, np.pi))[0]
    atol = statistics.frequency_tolerance(COUNT, 12)  # P(false alarm) < 1e-6
    np.testing.assert_allclose(counts / COUNT, 1 / 12, rtol=0, atol=atol)


def test_infinity():
    points = points_of("infinity", noise=0.0)
    value, slope = shapes.lemniscate_value(points)
    away = slope > 0.1  # of the crossing, where the equation says little
    assert np.abs(value[away] / slope[away]).max() < 5e-6
    assert np.abs(value).max() < 1e-5  # at most twice the distance
    # Uniform by length, in octants of the two loops: P(false alarm) < 1e-6.
    angle = np.abs(np.arctan2(points[:, 1], np.abs(points[:, 0])))
    loop = 2 * (points[:, 0] < 0) + (points[:, 1] < 0)
    whole = shapes.lemniscate_length(0, np.pi / 4 - 1e-12)
    for bound in (0.2, 0.5, 0.7):
        expected = shapes.lemniscate_length(0, bound) / whole / 4
        found = np.bincount(loop[angle < bound], minlength=4) / COUNT
        atol = statistics.frequency_tolerance(COUNT, 12)
        np.testing.assert_allclose(found, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("name", ["circle", "square", "star", "infinity"])
@pytest.mark.parametrize("noise", [None, 0.2])
def test_noise(name, noise):
    options = {} if noise is None else {"noise": noise}
    noise = 0.05 if noise is None else noise
    shifts = points_of(name, **options) - points_of(name, noise=0.0)
    assert np.all(np.abs(shifts.mean(axis=0)) < statistics.mean_tolerance(shifts))
    np.testing.assert_allclose(shifts.std(axis=0), noise, rtol=0.03)  # 6 sd of 20,000 draws
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 5 / math.sqrt(COUNT)
    assert np.abs(shifts).max() < 6 * noise


@pytest.mark.parametrize("proportion", [0.0, 0.25, 0.5, 1.0])
def test_two_gaussians(proportion):
    loaded = data.load("two_gaussians", proportion=proportion, test_size=COUNT)
    points, labels = loaded.arrays("test")
    atol = statistics.frequency_tolerance(COUNT, 1)  # P(false alarm) < 1e-6
    assert abs(labels.mean() - proportion) <= (atol if 0 < proportion < 1 else 0)
    for label, centre in enumerate([(-1.0, 0.0), (1.0, 0.0)]):
        chosen = points[labels == label]
        if len(chosen):
            shifts = chosen - np.array(centre)
            assert np.all(np.abs(shifts.mean(axis=0)) < statistics.mean_tolerance(shifts))
            np.testing.assert_allclose(shifts.std(axis=0), 0.2, rtol=0.06)


@pytest.mark.parametrize("name", ["star", "two_gaussians"])
def test_streams_resume_bit_for_bit(name):
    kwargs = dict(batch_size=70, train_size=900, seed=3, labels=name == "two_gaussians")
    loaded = data.load(name, **kwargs)
    steps = loaded.steps_per_epoch
    assert steps == 12

    def numbers(stream, count):
        return [tf.nest.map_structure(np.asarray, e) for e in itertools.islice(stream, count)]

    tf.random.set_seed(1)
    whole = numbers(loaded.train_stream(), 4 * steps)
    tf.random.set_seed(2)  # nothing may depend on the global seed
    tail = numbers(data.load(name, **kwargs).train_stream(2), 2 * steps)
    tf.nest.map_structure(np.testing.assert_array_equal, whole[2 * steps :], tail)
    batches = np.concatenate([e[0] if isinstance(e, tuple) else e for e in whole])
    assert len(np.unique(batches, axis=0)) == len(batches)  # no point comes twice
    other = numbers(data.load(name, **{**kwargs, "seed": 4}).train_stream(), 1)
    first = whole[0][0] if isinstance(whole[0], tuple) else whole[0]
    assert not np.array_equal(other[0][0] if isinstance(other[0], tuple) else other[0], first)


def test_evaluation_is_fixed_and_apart_from_training():
    loaded = data.load("star", batch_size=37, seed=1)
    other = data.load("star", batch_size=100, seed=2, test_size=50)
    test = loaded.arrays("test")[0]
    np.testing.assert_array_equal(np.concatenate(list(loaded.test)), test)
    np.testing.assert_array_equal(other.arrays("test")[0], test[:50])
    np.testing.assert_array_equal(loaded.arrays("test", limit=5000)[0], test[:5000])
    seen = [loaded.arrays(part)[0] for part in ("train", "validation", "test")]
    seen += [np.concatenate(list(loaded.train)) for _ in range(2)]
    together = np.concatenate(seen)
    assert len(np.unique(together, axis=0)) == len(together)
    assert data.load("star", test_size=0).arrays("test")[0].shape == (0, 2)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("star", dict(noise=-0.1), "`noise` must be a non-negative number"),
        ("star", dict(noise="much"), "`noise` must be a non-negative number"),
        ("star", dict(proportion=0.3), "'star' does not take 'proportion'. It takes: noise"),
        ("two_gaussians", dict(proportion=1.1), r"`proportion` must be a number in \[0, 1\]"),
        ("star", dict(binarization="dynamic"), "needs binarization='none'.*Received: 'dynamic'"),
        ("two_gaussians", dict(classes=(0,)), "needs classes=None"),
        ("star", dict(image_size=3), "needs image_size=None"),
        ("star", dict(split="burda"), "Unknown split 'burda'"),
        ("star", dict(labels=True), "has no labels"),
        ("star", dict(train_size=0), "`train_size` must be a positive integer: .*or None. .*: 0"),
        (
            "star",
            dict(test_size="9"),
            "`test_size` must be a non-negative integer: .*or None. .*'9'",
        ),
        ("star", dict(batch_size=None), "`batch_size` must be a positive integer. Received: None"),
        ("digits", dict(noise=0.1), "'digits' does not take 'noise'. It takes: no options"),
    ],
)
def test_errors(name, options, message):
    with pytest.raises(ValueError, match=message):
        data.load(name, **options)


def test_options_are_for_named_sets_and_places_for_finite_ones():
    array = np.zeros((20, 4), np.float32)
    with pytest.raises(ValueError, match="does not take 'noise'. It takes: label,"):
        data.load(array, noise=0.1)
    with pytest.raises(ValueError, match="Only a named data set.*Received: noise"):
        data.load(tf.data.Dataset.from_tensor_slices(array), noise=0.1)
    with pytest.raises(ValueError, match="draws new examples for every batch"):
        data.load("star").train_stream(index=True)
