"""The graph over nodes of latents: the object, and the prior with fixed or learned gates."""

import json

import numpy as np
import pytest
import tensorflow as tf
from reference import densities
from reference.statistics import frequency_tolerance, mean_tolerance
from scipy import special

from tfsp.priors import LatentGraph
from tfsp.priors.graph import GraphPrior

MEANS = [[0, 0, 0, 0], [0.9, 0, 0, 0], [0.2, 0, 0, 0], [1, 0.7, 0, 0]]


def prior_of(structure, latent_dim=4, num_nodes=2, seed=0, **kwargs):
    prior = GraphPrior(latent_dim, num_nodes, structure, hidden=5, dtype="float64", **kwargs)
    prior.build()
    rng = np.random.default_rng(seed)
    for weight in prior.top_down.weights:
        if "variance" in weight.path:
            weight.assign(rng.uniform(0.5, 1.5, size=weight.shape))
        else:
            weight.assign(weight + 0.4 * rng.normal(size=weight.shape))
    return prior


def test_edges_and_neighbours():
    graph = LatentGraph(MEANS, node_size=16)
    assert graph.num_nodes == 4
    assert graph.edges == [(2, 1), (4, 1), (4, 2)]
    assert graph.adjacency.dtype == bool
    assert graph.adjacency[3, 1]
    assert not graph.adjacency[1, 3]
    assert graph.parents(1) == [2, 4]
    assert graph.parents(3) == []
    assert graph.children(4) == [1, 2]
    assert graph.roots == [3, 4]
    assert graph.node_sizes == (16, 16, 16, 16)
    assert graph.gate_mean[2, 0] == 0.2
    assert LatentGraph(MEANS, threshold=0.1).edges == [(2, 1), (3, 1), (4, 1), (4, 2)]
    assert not graph.is_converged()
    assert graph.is_converged(tolerance=0.31)
    assert LatentGraph.from_adjacency(graph.adjacency).is_converged(0.0)
    assert repr(graph) == ("LatentGraph(4 nodes of size 16: 2 -> 1, 4 -> 1, 4 -> 2, not converged)")
    assert repr(LatentGraph.named("independent", 2, [1, 3])) == (
        "LatentGraph(2 nodes of size [1, 3]: no edges)"
    )
    with pytest.raises(ValueError, match="read-only"):
        graph.adjacency[1, 0] = False


def test_names_and_equality():
    assert LatentGraph.named("independent", 3).edges == []
    assert LatentGraph.named("chain", 3).edges == [(2, 1), (3, 2)]
    assert LatentGraph.named("full", 3).edges == [(2, 1), (3, 1), (3, 2)]
    graph = LatentGraph(MEANS)
    same = LatentGraph.from_adjacency(graph.adjacency.astype(int).tolist())
    assert same == graph
    assert hash(same) == hash(graph)
    assert LatentGraph(MEANS, threshold=0.8) != graph
    assert LatentGraph(MEANS, node_size=2) != graph
    assert graph != MEANS


def test_dot_and_networkx():
    graph = LatentGraph(MEANS, node_size=8)
    dot = graph.to_dot()
    assert dot.startswith("digraph latent_graph {\n")
    assert '  z3 [label="z3 (8)"];\n' in dot
    assert '  z4 -> z2 [label="0.70"];\n' in dot
    assert "z3 ->" not in dot
    network = graph.to_networkx()
    assert sorted(network.edges) == graph.edges
    assert network.nodes[3]["size"] == 8
    assert network.edges[4, 2]["gate_mean"] == 0.7


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LatentGraph(np.zeros(3)), r"must have shape \[N, N\]. Received: shape \(3,\)"),
        (lambda: LatentGraph(np.zeros((2, 3))), r"shape \(2, 3\)"),
        (lambda: LatentGraph([["a"]]), "array .* of numbers"),
        (lambda: LatentGraph([[0, 0], [1.5, 0]]), "probabilities.*from 0 to 1.5"),
        (lambda: LatentGraph([[0, 0], [np.nan, 0]]), "probabilities"),
        (lambda: LatentGraph([[0, 0.3], [0.1, 0]]), "an edge from node 1 to node 2.$"),
        (lambda: LatentGraph([[0, 0.3], [0, 0]]), "an edge from node 1 to node 2. Is it transp"),
        (lambda: LatentGraph([[1.0]]), "no cycles. Received an edge from node 1 to node 1"),
        (lambda: LatentGraph(MEANS, threshold=1), r"`threshold` must be .* \[0, 1\).*: 1"),
        (lambda: LatentGraph(MEANS, threshold="a"), r"`threshold` must be .* \[0, 1\).*: 'a'"),
        (lambda: LatentGraph(MEANS, node_size=[1, 2]), "an integer or 4 of them"),
        (lambda: LatentGraph(MEANS, node_size=0), "must be positive"),
        (lambda: LatentGraph.from_adjacency([[0, 0], [0.5, 0]]), "0 and 1.*0.5"),
        (lambda: LatentGraph.named("star", 2), "'independent', 'chain', 'full'.*'star'"),
        (lambda: LatentGraph(MEANS).parents(0), "`n` must be .* from 1 to 4: nodes are.*: 0"),
        (lambda: LatentGraph(MEANS).children(5), "`n` must be .* from 1 to 4: nodes .*: 5"),
    ],
)
def test_bad_graphs_are_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("structure", ["learned", "chain"])
def test_density_integrates_to_one(structure):
    prior = prior_of(structure, latent_dim=2)
    if structure == "learned":
        prior.gate_logits.assign([0.3])
    points, area = densities.midpoint_grid(limit=12.0, steps=400)
    log_prob = prior.log_prob(points).numpy()
    np.testing.assert_allclose(area * np.exp(log_prob).sum(), 1.0, atol=1e-4)
    assert np.abs(log_prob - prior.log_prob(points[:, ::-1])).max() > 0.1  # no plain normal
    np.testing.assert_array_equal(prior.log_prob(points, training=True), log_prob)
    assert prior.log_prob(points.reshape(4, -1, 2)).shape == (4, len(points) // 4)


@pytest.mark.parametrize(
    "structure", ["learned", "full", [[0, 0, 0], [0, 0, 0], [1, 0, 0]], "independent"]
)
def test_samples_follow_the_density(structure):
    """E_p[q / p] = 1 for a narrow normal q, and node N is standard normal."""
    prior = prior_of(structure, latent_dim=3, num_nodes=3)
    if structure == "learned":
        prior.gate_logits.assign([0.3, -0.4, 2.0])
    z = prior.sample(40_000, seed=1).numpy()
    assert z.shape == (40_000, 3)
    np.testing.assert_array_equal(prior.sample(5, seed=4), prior.sample(5, seed=4))
    loc, scale = np.median(z, axis=0), 0.5 * z.std(axis=0)
    log_q = -0.5 * np.sum(((z - loc) / scale) ** 2 + np.log(2 * np.pi * scale**2), axis=1)
    ratios = np.exp(log_q - prior.log_prob(z).numpy())
    # A right sampler fails with a probability of about 1e-6, here and below.
    assert mean_tolerance(ratios) < 0.3
    np.testing.assert_allclose(ratios.mean(), 1.0, rtol=0, atol=mean_tolerance(ratios))
    top = np.stack([z[:, 2], z[:, 2] ** 2 - 1], axis=1)
    np.testing.assert_allclose(top.mean(0), [0, 0], rtol=0, atol=mean_tolerance(top).max())


@pytest.mark.parametrize("temperature", [1.0, 0.2])
def test_relaxed_gates_have_their_distribution(temperature):
    """P(c <= t) = sigmoid(temperature logit(t) - logit(mu)); at t = 1/2 that is 1 - mu."""
    prior = GraphPrior(40, 40, temperature=temperature)
    means = np.resize([0.05, 0.3, 0.5, 0.8], 780)
    prior.gate_logits.assign(special.logit(means))
    np.testing.assert_allclose(prior.gate_means(), means, rtol=1e-6)
    draws = np.stack([prior.gates(seed) for seed in range(60)])
    assert np.all((draws >= 0) & (draws <= 1))
    for mean in np.unique(means):
        of_mean = draws[:, means == mean]
        # Hoeffding: a right sampler fails with probability below 1e-6 over all levels and means.
        atol = frequency_tolerance(of_mean.size, cells=12)
        for level in (0.1, 0.5, 0.9):
            expected = special.expit(temperature * special.logit(level) - special.logit(mean))
            np.testing.assert_allclose(np.mean(of_mean <= level), expected, rtol=0, atol=atol)
        np.testing.assert_allclose(np.mean(of_mean > 0.5), mean, rtol=0, atol=atol)
    # Gates are independent of each other, and a seed gives the same draw again.
    fair = draws[:, means == 0.5] > 0.5
    both = fair[:, :97] & fair[:, 97:194]
    atol = frequency_tolerance(both.size, cells=1)
    np.testing.assert_allclose(both.mean(), 0.25, rtol=0, atol=atol)
    np.testing.assert_array_equal(prior.gates(3), draws[3])
    np.testing.assert_array_equal(prior.gates(), means > 0.5)


def test_gates_in_order_and_in_the_graph():
    prior = GraphPrior(8, 4, gate_start=0.9)
    assert prior.top_down.edges == [(1, 0), (2, 0), (3, 0), (2, 1), (3, 1), (3, 2)]
    np.testing.assert_allclose(prior.gate_means(), np.full(6, 0.9), rtol=1e-6)
    prior.gate_logits.assign([1.0, -1.0, 2.0, -2.0, 3.0, -3.0])
    graph = prior.graph()
    assert graph.edges == [(2, 1), (4, 1), (4, 2)]
    assert graph.node_sizes == (2, 2, 2, 2)
    np.testing.assert_allclose(graph.gate_mean[3, 1], special.expit(3.0), rtol=1e-6)
    assert prior.graph(threshold=0.9).edges == [(4, 2)]
    assert prior.health(None)["gate_4_2"] == pytest.approx(special.expit(3.0))
    prior.begin_epoch(30)
    assert prior.health(None)["temperature"] == pytest.approx(0.99**30)
    assert not list(prior.warnings(prior.health(None), 30))
    prior.begin_epoch(1000)
    ((kind, message),) = prior.warnings(prior.health(None), 1000)
    assert kind == "gates"
    assert "means of 4 gates" in message
    prior.freeze()
    assert not list(prior.warnings(prior.health(None), 1001))


def test_many_gates_are_counted():
    prior = GraphPrior(21, 21)
    prior.gate_logits.assign(np.resize([5.0, -5.0, 0.0], 210))
    expected = {"gates_open": 70, "gates_closed": 70, "gates_undecided": 70, "temperature": 1.0}
    assert prior.health(None) == expected


def test_logits_stay_within_reach():
    """The optimiser projects them after each step, so that a gate can come back."""
    prior = GraphPrior(4, 2)
    bound = prior.gate_logits.constraint
    np.testing.assert_array_equal(bound(tf.constant([25.0])), [10.0])
    np.testing.assert_array_equal(bound(tf.constant([-11.0])), [-10.0])
    np.testing.assert_array_equal(bound(tf.constant([3.0])), [3.0])
    for extreme in (-10.0, 10.0):
        prior.gate_logits.assign([extreme])
        prior.temperature.assign(0.1)
        with tf.GradientTape() as tape:
            gates = prior.gates(0)
        assert np.isfinite(tape.gradient(gates, prior.gate_logits.value)).all()


def test_signature_tells_the_graph():
    for structure in ("learned", "chain", "independent"):
        prior = GraphPrior(6, 3, structure)
        if structure == "learned":
            prior.gate_logits.assign([1.0, -2.0, 0.1])
        function, specs = prior.signatures(None)["graph"]
        found = function(*specs)
        assert (found["adjacency"].dtype, found["gate_mean"].dtype) == (tf.int32, tf.float32)
        np.testing.assert_array_equal(found["adjacency"], prior.graph().adjacency)
        np.testing.assert_allclose(found["gate_mean"], prior.graph().gate_mean, rtol=1e-6)


@pytest.mark.parametrize("structure", ["learned", "chain", [[0, 0], [1, 0]]])
def test_config_round_trip(structure):
    prior = prior_of(structure)
    config = json.loads(json.dumps(prior.get_config()))
    again = GraphPrior.from_config(config)
    assert again.get_config() == prior.get_config()
    again.build()
    again.set_weights(prior.get_weights())
    z = prior.sample(3, seed=0)
    np.testing.assert_array_equal(again.log_prob(z), prior.log_prob(z))


def test_one_node_is_the_normal_prior():
    prior = prior_of("learned", latent_dim=2, num_nodes=1)
    assert prior.graph().edges == []
    assert prior.graph().is_converged()
    assert prior.gates() is None
    assert not prior.has_health
    assert not prior.trainable_weights
    z = np.array([[0.5, -1.0]])
    expected = -0.5 * np.sum(z**2) - np.log(2 * np.pi)
    np.testing.assert_allclose(prior.log_prob(z), [expected], rtol=1e-12)
    assert prior.sample(3, seed=0).shape == (3, 2)


def test_unbuilt_priors_are_explained():
    for call in (lambda p: p.sample(2), lambda p: p.log_prob(np.zeros((1, 4)))):
        with pytest.raises(ValueError, match="have not been made"):
            call(GraphPrior(4, 2))
