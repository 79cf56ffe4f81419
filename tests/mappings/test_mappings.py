"""The mappings one by one."""

import numpy as np
import pytest
import tensorflow as tf
from reference import intel_vae as reference
from reference.statistics import frequency_tolerance

from tfsp import bijectors, mappings
from tfsp.config import default_config, to_dict


def draws(*shape, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def test_identity():
    y = draws(5, 3)
    np.testing.assert_array_equal(mappings.build("identity", latent_dim=3)(y), y)


def test_spheres_and_circles():
    y = draws(20, 5)
    sphere = mappings.build("sphere", latent_dim=5)(y).numpy()
    np.testing.assert_allclose(np.linalg.norm(sphere, axis=-1), 1.0, atol=5e-3)
    torus = mappings.build({"name": "sphere", "sizes": (2, 3)}, latent_dim=5)(y).numpy()
    for part in (torus[:, :2], torus[:, 2:]):
        np.testing.assert_allclose(np.linalg.norm(part, axis=-1), 1.0, atol=2e-2)
    circle = mappings.build("circle", latent_dim=5)(y).numpy()
    np.testing.assert_allclose(circle[:, :2], torus[:, :2], rtol=1e-6)
    np.testing.assert_array_equal(circle[:, 2:], y[:, 2:])
    np.testing.assert_allclose(
        mappings.build("circle", latent_dim=2)(y[:, :2]),
        mappings.build("sphere", latent_dim=2)(y[:, :2]),
        rtol=1e-6,
    )


def test_glued_circles_leave_other_dimensions():
    y = draws(20, 4)
    z = mappings.build({"name": "glued_circles", "num_holes": 3}, latent_dim=4)(y)
    np.testing.assert_allclose(z[:, :2], bijectors.GluedCircles(3).forward(y[:, :2]), rtol=1e-6)
    np.testing.assert_array_equal(z[:, 2:], y[:, 2:])


def test_sectors_on_several_planes():
    """prod K_i clusters, numbered with the last plane fastest."""
    mapping = mappings.SectorsMapping(5, num_sectors=(2, 3), strength=2.0)
    y = draws(200, 5)
    z = mapping(y)
    planes = [bijectors.Sectors(k, strength=2.0) for k in (2, 3)]
    np.testing.assert_allclose(z[:, :2], planes[0].forward(y[:, :2]), rtol=1e-5)
    np.testing.assert_allclose(z[:, 2:4], planes[1].forward(y[:, 2:4]), rtol=1e-5)
    np.testing.assert_array_equal(z[:, 4], y[:, 4])
    expected = 3 * planes[0].component(y[:, :2]) + planes[1].component(y[:, 2:4])
    np.testing.assert_array_equal(mapping.component(y), expected)
    np.testing.assert_array_equal(mapping.component(z), expected)
    np.testing.assert_allclose(mapping.proportions(), np.full(6, 1 / 6), rtol=1e-6)


@pytest.mark.parametrize(
    ("latent_dim", "num_sectors", "probs"),
    [
        (1, 2, (0.7, 0.3)),
        (2, 3, (0.5, 0.3, 0.2)),
        (4, (2, 3), [(0.8, 0.2), (0.1, 0.3, 0.6)]),
        (3, 2, ()),
    ],
)
def test_proportions_are_those_of_draws_from_the_prior(latent_dim, num_sectors, probs):
    mapping = mappings.SectorsMapping(latent_dim, num_sectors, probs)
    proportions = mapping.proportions().numpy()
    flat = np.ones(1)
    vectors = [probs] if np.ndim(probs[:1]) == 1 else probs
    for vector in vectors:
        flat = np.outer(flat, vector or (0.5, 0.5)).ravel()
    np.testing.assert_allclose(proportions, flat, rtol=1e-5)
    components = mapping.component(draws(100_000, latent_dim)).numpy()
    observed = np.bincount(components, minlength=len(flat)) / 100_000
    # Hoeffding: a right mapping fails with probability below 1e-6.
    atol = frequency_tolerance(100_000, len(flat))
    np.testing.assert_allclose(observed, flat, rtol=0, atol=atol)


def test_only_learned_proportions_are_weights_to_train():
    assert not mappings.SectorsMapping(2, 3).trainable_weights
    assert len(mappings.SectorsMapping(4, (3, 2), learned=True).trainable_weights) == 2
    line = mappings.SectorsMapping(1, learned=True)
    assert [tuple(w.shape) for w in line.trainable_weights] == [()]


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_proportions_are_learned_from_where_points_should_lie(latent_dim):
    """Gradients of the map lead the share of the first cluster to where z should be."""
    mapping = mappings.SectorsMapping(latent_dim, probs=(0.5, 0.5), learned=True)
    target = mappings.SectorsMapping(latent_dim, probs=(0.7, 0.3))
    y = draws(2000, latent_dim)
    goal = target(y)
    before = float(mapping.proportions()[0])
    step = 0.002 if latent_dim == 1 else 0.02  # an offset is ten times its weight
    for _ in range(60):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((mapping(y) - goal) ** 2)
        weights = mapping.trainable_weights
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(step * gradient / (tf.norm(gradient) + 1e-6))
    assert before == 0.5
    np.testing.assert_allclose(mapping.proportions()[0], 0.7, atol=0.03)


def test_shift_is_the_way_of_a_learned_tear():
    line = mappings.SectorsMapping(1, probs=(0.7, 0.3), learned=True)
    start = 0.52440051  # Phi^-1(0.7)
    np.testing.assert_allclose(line.offset(), start, rtol=1e-6)
    np.testing.assert_allclose(line.shift(), [0.0], atol=1e-6)
    line.trainable_weights[0].assign_add(0.02)
    np.testing.assert_allclose(line.shift(), [start - line.offset()], atol=1e-6)
    assert float(line.offset()) > start + 0.1  # moves faster than its weight
    # Points that move along stay in their half, and come out at the same place.
    y = draws(50, 1)
    before = mappings.SectorsMapping(1, probs=(0.7, 0.3))
    np.testing.assert_allclose(line(y + line.shift()), before(y), rtol=1e-4, atol=1e-4)
    chain = mappings.ChainMapping(1, [line, "identity"])
    np.testing.assert_array_equal(chain.shift(), line.shift())
    assert before.shift() is None
    assert mappings.SectorsMapping(2, learned=True).shift() is None
    with pytest.raises(ValueError, match="Only a line has an offset.*latent_dim=2"):
        mappings.SectorsMapping(2).offset()


def test_selector_and_its_regulariser():
    mapping = mappings.SelectorMapping(4, sparsity_weight=2.5, hidden=(6,), seed=0)
    y = draws(2, 7, 4)
    selection = mapping.selection(y).numpy()
    assert np.all((selection > 0) & (selection < 1))
    np.testing.assert_allclose(mapping(y), y * selection, rtol=1e-6)
    expected = 2.5 * np.mean([reference.selection_penalty(batch) for batch in selection])
    np.testing.assert_allclose(mapping.regulariser(y), expected, rtol=1e-4)
    assert mappings.SelectorMapping(4, sparsity_weight=0.0).regulariser(y) == 0.0


def test_minimising_the_regulariser_makes_the_selection_sparse():
    """The sign of eq. (7): made small, each point uses fewer dimensions, together they use all."""
    mapping = mappings.SelectorMapping(4, hidden=(32,), seed=0)
    y = draws(256, 4)
    each = np.mean([reference.entropy(s) for s in mapping.selection(y).numpy()])
    for _ in range(150):
        with tf.GradientTape() as tape:
            loss = mapping.regulariser(y)
        weights = mapping.trainable_weights
        for weight, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            weight.assign_sub(0.5 * gradient)
    selection = mapping.selection(y).numpy()
    after = np.mean([reference.entropy(s) for s in selection])
    assert after < each - 0.4
    assert reference.entropy(selection.mean(0)) > 0.9 * np.log(4)


@pytest.mark.parametrize("form", ["network", "affine"])
def test_hierarchy_levels(form):
    mapping = mappings.HierarchyMapping(7, num_levels=3, hidden=(8,), form=form, seed=0)
    assert mapping.sizes == (3, 2, 2)
    assert mapping.levels == [slice(0, 3), slice(3, 5), slice(5, 7)]
    y = draws(30, 7)
    with tf.GradientTape() as tape:
        tape.watch(y)
        z = mapping(y)
    jacobian = np.abs(tape.batch_jacobian(z, y).numpy()).max(axis=0)
    np.testing.assert_array_equal(z[:, :3], y[:, :3])
    for i, low in enumerate(mapping.levels):
        for j, high in enumerate(mapping.levels):
            seen = jacobian[low, high]
            if j > i:
                assert np.all(seen == 0)
            elif j == i - 1 or (j == i and form == "network" and i):
                assert np.any(seen > 0)
    bijector = mapping.bijector()
    if form == "affine":
        np.testing.assert_allclose(bijector.inverse(tf.identity(z)), y, rtol=1e-4, atol=1e-4)
    else:
        with pytest.raises(NotImplementedError, match="AffineHierarchy"):
            bijector.inverse(tf.identity(z))


def test_hierarchy_of_given_sizes():
    mapping = mappings.HierarchyMapping(6, sizes=(1, 2, 3))
    assert mapping.sizes == (1, 2, 3)
    single = mappings.HierarchyMapping(6, num_levels=1)
    np.testing.assert_array_equal(single(draws(4, 6)), draws(4, 6))


def test_chain_applies_its_mappings_in_order():
    sectors = mappings.SectorsMapping(4, num_sectors=3)
    chain = mappings.ChainMapping(4, [sectors, "selector", {"name": "sphere", "epsilon": 0.1}])
    y = draws(10, 4)
    selector, sphere = chain.mappings[1:]
    np.testing.assert_allclose(chain(y), sphere(selector(sectors(y))), rtol=1e-5)
    np.testing.assert_allclose(
        chain.regulariser(y), selector.regulariser(sectors(y)), rtol=1e-5, atol=1e-6
    )
    assert chain.output_dim == 4
    with pytest.raises(NotImplementedError, match="DimensionSelector has no inverse"):
        chain.bijector().inverse(tf.identity(chain(y)))
    there = mappings.ChainMapping(4, [sectors, {"name": "sphere", "epsilon": 1.0}])
    back = there.bijector().inverse(tf.identity(there(y)))
    np.testing.assert_allclose(back, y, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("spec", "latent_dim", "message"),
    [
        ({"name": "sphere", "sizes": (2, 2)}, 5, r"must sum to latent_dim=5.*sum 4"),
        ({"name": "circle", "num_circles": 2}, 3, "2 circle.* need 4 dimensions"),
        ({"name": "sphere", "sizes": 2}, 4, "`sizes` must be a list of integers.*Received: 2"),
        ({"name": "hierarchy", "sizes": 2}, 4, "`sizes` must be a list of integers"),
        ("circle", 1, "need 2 dimensions"),
        ("glued_circles", 1, "Loops lie in a plane"),
        ({"name": "glued_circles", "num_holes": 0}, 2, "`num_holes`"),
        (
            {"name": "sectors", "num_sectors": 1},
            2,
            "`num_sectors` must be an integer of at least 2: one is no clustering. Received: 1",
        ),
        ({"name": "sectors", "num_sectors": 2.5}, 2, "`num_sectors` must be an integer.*2.5"),
        ({"name": "sectors", "num_sectors": "3"}, 2, "`num_sectors` must be an integer.*'3'"),
        ({"name": "sectors", "num_sectors": None}, 2, "`num_sectors` must be an integer.*None"),
        (
            {"name": "sectors", "num_sectors": (2, 1)},
            4,
            r"`num_sectors\[1\]` must be .* at least 2.*1",
        ),
        ({"name": "sectors", "rotation": "up"}, 2, "`rotation` must be a finite number.*'up'"),
        ({"name": "sectors", "probs": 0.5}, 2, "`probs` must be positive and sum to 1"),
        ({"name": "sectors", "num_sectors": 3}, 1, "On a line there are two halves"),
        ({"name": "sectors", "num_sectors": (2, 2)}, 3, "latent_dim=3; take at least 4"),
        ({"name": "sectors", "num_sectors": ()}, 3, "at least one plane"),
        ({"name": "sectors", "probs": (0.5, 0.6)}, 2, "`probs` must be positive and sum to 1"),
        ({"name": "sectors", "probs": (0.5, 0.3, 0.2)}, 2, "as many entries"),
        ({"name": "sectors", "exponent": 0}, 2, r"`exponent` must be .* in \(0, 1\].*: 0"),
        ({"name": "selector", "sparsity_weight": -1.0}, 2, "`sparsity_weight` must be"),
        (
            {"name": "selector", "sparsity_weight": None},
            2,
            "`sparsity_weight` must be a non-negative number",
        ),
        ({"name": "selector", "hidden": (0,)}, 2, r"`hidden\[0\]` must be a positive.*: 0"),
        ({"name": "selector", "hidden": 5}, 2, "`hidden` must be a list of.*Received: 5"),
        ({"name": "hierarchy", "sizes": (2, 2)}, 5, "must sum to latent_dim=5"),
        ({"name": "hierarchy", "num_levels": 3}, 2, "Each of the 3 levels needs a dimension"),
        ({"name": "hierarchy", "form": "free"}, 5, "`form` must be one of"),
        ({"name": "chain", "mappings": []}, 2, "at least one mapping"),
        ({"name": "chain", "mappings": "sphere"}, 2, "must be a list"),
        ({"name": "chain", "mappings": [3]}, 2, "must hold names, dicts or mappings"),
        ({"name": "chain", "mappings": [{"name": "sphere", "latent_dim": 3}]}, 2, "but 2 come"),
        ("none", 2, "Unknown mapping: 'none'. Known: chain"),
    ],
)
def test_impossible_settings(spec, latent_dim, message):
    with pytest.raises(ValueError, match=message):
        mappings.build(spec, latent_dim=latent_dim)


def test_mapping_for_data_of_known_topology():
    """As many holes or clusters as the data have; the numbers are counted in test_values."""
    assert mappings.build(mappings.mapping_for("star"), latent_dim=2).output_dim == 2
    glued = mappings.build(mappings.mapping_for("infinity"), latent_dim=2)
    assert glued.get_config()["num_holes"] == 2
    sectors = mappings.build(mappings.mapping_for("two_gaussians"), latent_dim=2)
    assert sectors.num_sectors == (2,)
    with pytest.raises(ValueError, match="known topology, circle.*'mnist'; name a mapping"):
        mappings.mapping_for("mnist")


def test_auto_in_a_config_follows_the_data():
    config = default_config()
    config.update(data=dict(name="infinity"), model=dict(name="intel_vae", latent_dim=2))
    config.mapping.name = "auto"
    assert to_dict(config)["mapping"]["name"] == "glued_circles"
    assert to_dict(to_dict(config)) == to_dict(config)
    config.data.name = "digits"
    with pytest.raises(ValueError, match="Received: data.name='digits'"):
        to_dict(config)
