"""SavedModels of models with a tree: every signature, in a process that knows nothing of tfsp."""

import json
import pathlib
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
import tensorflow as tf
from marks import slow_but
from reference import tmc
from scipy import special
from tensorflow.core.protobuf import saved_model_pb2

from tfsp import evaluation, models, networks, priors
from tfsp.tmc import Phylogeny

D = 3
USUAL = ["encode", "decode", "reconstruct", "sample", "log_likelihood"]
SUMMARY = ("summary_parent", "summary_time", "support", "clade_support", "summary_newick")
MEMBERS = ("node", "probability", "cluster")
SIGNATURES = [*USUAL, "attach", "members", "sample_subtree", "hierarchy"]
NUM_LEAVES = {"collapsed": 20, "recognition": 20, "tmc": 5}
PRIORS = {
    "collapsed": {"name": "loracs", "num_inducing": 20},
    "recognition": {
        "name": "loracs",
        "num_inducing": 20,
        "num_chains": 2,
        "attachment": "recognition",
        "recognition_hidden": (8,),
        "edge_weights": "bayes",
        "added_variance": 0.1,
    },
    "tmc": {"name": "tmc", "num_points": 5},
}


# Two export and answer alike; the paper's attachment waits for `make test-all`.
KINDS = slow_but(["collapsed", "tmc"], list(PRIORS))


def nodes(kind):
    """An internal node, a leaf, and two that are not in the tree."""
    num_nodes = 2 * NUM_LEAVES[kind] - 1
    return num_nodes - 2, 4, -1, num_nodes


CLIENT = """
    import json, pathlib, sys
    for blocked in ("tfsp", "keras", "tf_keras", "tensorflow_probability"):
        sys.modules[blocked] = None
    import numpy as np, tensorflow as tf
    folder, nodes = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
    x = tf.constant(np.load(folder / "x.npy"))
    number, seed = tf.constant(4), tf.constant(7)
    answers = {}
    for path in sorted(folder.glob("served *")):
        f = tf.saved_model.load(str(path)).signatures
        latent = f["encode"](images=x)["latent"]
        calls = {
            "encode": dict(images=x), "decode": dict(latent=latent), "reconstruct": dict(images=x),
            "sample": dict(num_samples=number, seed=seed),
            "log_likelihood": dict(images=x, num_samples=tf.constant(70), seed=seed),
            "attach": dict(images=x), "members": dict(images=x), "hierarchy": {},
        }
        inner, leaf, *outside = nodes[path.name.partition(" ")[2]]
        for node in (inner, leaf):
            calls[f"sample_subtree {node}"] = dict(
                node=tf.constant(node), num_samples=number, seed=seed
            )
        for call, arguments in calls.items():
            for name, value in f[call.partition(" ")[0]](**arguments).items():
                np.save(folder / f"{path.name} {call} {name}.npy", value.numpy())
        assert f["attach"](images=x[:0])["edge"].shape == (0,)
        answers[path.name] = {"signatures": sorted(f)}
        for node in outside:
            try:
                f["sample_subtree"](node=tf.constant(node), num_samples=number, seed=seed)
            except tf.errors.InvalidArgumentError as error:
                answers[path.name][str(node)] = str(error)
    with open("/proc/self/maps") as maps:
        answers["libraries"] = [line for line in maps if "_tmc" in line]
    print(json.dumps(answers))
"""


class Served:
    """The models, and what a client got from them: `answer(kind, call, name)`."""

    def __init__(self, folder, kinds):
        from sklearn import datasets

        self.folder, self.models, self.names = folder, {}, {}
        digits = (datasets.load_digits().images[..., np.newaxis] / 16).astype("float32")
        self.x = digits[:6]
        np.save(folder / "x.npy", self.x)
        for kind in kinds:
            prior = PRIORS[kind]
            keras.utils.set_random_seed(0)
            model = models.VAE(
                networks.MLP(hidden=(16,)),
                prior={**prior, "burn_in": 2000},
                likelihood="continuous_bernoulli",
                latent_dim=D,
                seed=0,
            )
            model.build((None, 8, 8, 1))
            model.adapt(digits[:200])
            self.models[kind] = model
            self.names[kind] = model.export(folder / f"served {kind}")
        arguments = [str(folder), json.dumps({kind: nodes(kind) for kind in kinds})]
        command = [sys.executable, "-I", "-c", textwrap.dedent(CLIENT), *arguments]
        result = subprocess.run(command, capture_output=True, text=True, cwd=folder)
        assert result.returncode == 0, result.stderr
        self.answers = json.loads(result.stdout)

    def answer(self, kind, call, name):
        return np.load(self.folder / f"served {kind} {call} {name}.npy", allow_pickle=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory, request):
    """Of those kinds that tests of this session ask for."""
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    asked = {call.params.get("kind") for call in calls if call is not None}
    return Served(tmp_path_factory.mktemp("served"), [kind for kind in PRIORS if kind in asked])


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_usual_five(served, kind):
    model, x = served.models[kind], served.x
    latent = model.encode(x)
    close(served.answer(kind, "encode", "latent"), latent)
    close(served.answer(kind, "decode", "mean"), model.decode(latent).mean())
    close(served.answer(kind, "reconstruct", "mean"), model.reconstruct(x))
    close(served.answer(kind, "sample", "mean"), model.sample(4, seed=7))
    expected = models.importance_log_prob(model, x, 70, chunk_size=50, seed=7)
    close(served.answer(kind, "log_likelihood", "log_prob"), expected["log_prob"])
    np.testing.assert_allclose(
        served.answer(kind, "log_likelihood", "variance"), expected["variance"], rtol=1e-3
    )


@pytest.mark.parametrize("kind", KINDS)
def test_attach_is_the_exact_posterior_of_the_edge(served, kind):
    model = served.models[kind]
    edge_log_prob = served.answer(kind, "attach", "edge_log_prob")
    edge = served.answer(kind, "attach", "edge")
    num_nodes = 2 * NUM_LEAVES[kind] - 1
    assert (edge_log_prob.shape, edge.shape, edge.dtype) == ((6, num_nodes), (6,), np.int32)
    np.testing.assert_allclose(np.exp(edge_log_prob).sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(edge, edge_log_prob.argmax(axis=1))
    latent = model.encode(served.x)
    close(np.exp(edge_log_prob), np.exp(model.prior.attachment().edge_log_prob(latent)))
    if kind == "tmc":  # the slow sum takes its time
        parent, time, leaves = (
            served.answer(kind, "hierarchy", name) for name in ("parent", "time", "leaves")
        )
        terms = tmc.rule_log_terms(np.float64(latent), parent, time, np.float64(leaves))
        close(np.exp(edge_log_prob), special.softmax(terms, axis=1))


@pytest.mark.parametrize("kind", KINDS)
def test_members_are_numbered_as_in_the_table_of_a_run(served, kind):
    """Which is of the summary; `attach` tells the edge of the draw."""
    model = served.models[kind]
    answer = {name: served.answer(kind, "members", name) for name in MEMBERS}
    assert answer["node"].dtype == answer["cluster"].dtype == np.int32
    expected = evaluation.attach(model, served.x)
    np.testing.assert_array_equal(answer["node"], expected["node"])
    np.testing.assert_array_equal(answer["cluster"], expected["cluster"])
    np.testing.assert_allclose(answer["probability"], expected["probability"], rtol=1e-4)
    parent = served.answer(kind, "hierarchy", "summary_parent")
    for node, path in zip(answer["node"], expected["path"], strict=True):
        assert path.endswith(f"{parent[node]}/{node}")
    if kind != "tmc":  # of five leaves both trees may be the same
        assert np.any(answer["node"] != served.answer(kind, "attach", "edge"))


def test_a_large_tree_is_served_as_the_draw(monkeypatch):
    """As it is in the table of members."""
    monkeypatch.setattr(priors.LORACs, "most_summarised", 3)
    model = models.VAE(
        networks.MLP(hidden=(4,)), prior=priors.LORACs.example(), latent_dim=2, seed=0
    )
    model.build((None, 5))
    x = np.random.default_rng(0).random((9, 5)).astype("float32")
    with model.prior.portable():
        members, _ = model.signatures()["members"]
        answer = members(tf.constant(x))
    expected = evaluation.attach(model, x)
    np.testing.assert_array_equal(answer["node"], expected["node"])
    np.testing.assert_array_equal(answer["cluster"], expected["cluster"])
    edges = np.exp(model.prior.attachment().edge_log_prob(model.encode(x)))
    np.testing.assert_array_equal(answer["node"], edges.argmax(axis=1))


@pytest.mark.parametrize("kind", KINDS)
def test_sample_subtree_draws_from_below_the_node(served, kind):
    model = served.models[kind]
    inner, leaf = nodes(kind)[:2]
    for node in (inner, leaf):
        latent = served.answer(kind, f"sample_subtree {node}", "latent")
        assert latent.shape == (4, D)
        close(latent, model.prior.sample(4, seed=7, subtree=node))
        close(latent, model.prior.attachment(subtree=node).sample(4, seed=model_seed(model)))
        mean = served.answer(kind, f"sample_subtree {node}", "mean")
        close(mean, model.sample(4, seed=7, subtree=node))
    other = served.answer(kind, f"sample_subtree {inner}", "latent")
    assert not np.any(latent == other)


def model_seed(model):
    """The seed that `TreePrior.sample` gives to a subtree, of seed 7."""
    return tf.random.split([7, 0], model.prior.num_chains + 1, alg="philox")[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_outside_the_tree_is_refused(served, kind):
    for node in nodes(kind)[2:]:
        message = served.answers[f"served {kind}"][str(node)]
        num_nodes = 2 * NUM_LEAVES[kind] - 1
        assert "A node of the tree must lie in [0, V)" in message
        assert f"[{num_nodes}] [{node}]" in message
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"must lie in \[0, V\)"):
            served.models[kind].sample(2, seed=0, subtree=node)


@pytest.mark.parametrize("kind", KINDS)
def test_hierarchy_is_the_tree(served, kind):
    model = served.models[kind]
    names = ("parent", "time", "leaves", "node_mean", "mean", "newick", *SUMMARY)
    answer = {name: served.answer(kind, "hierarchy", name) for name in names}
    assert (answer["parent"].dtype, answer["time"].dtype) == (np.int32, np.float64)
    tree = Phylogeny(answer["parent"], answer["time"])
    assert tree == model.prior.phylogeny()
    assert Phylogeny.from_newick(answer["newick"].item().decode()) == tree
    close(answer["leaves"], model.prior.leaf_locations())
    assert answer["leaves"].dtype == answer["node_mean"].dtype == np.float32
    exact, _ = tmc.node_posterior(tree.parent, tree.time, np.float64(answer["leaves"]))
    close(answer["node_mean"], exact)
    close(answer["mean"], model.decode(answer["node_mean"]).mean())
    assert answer["mean"].shape == (tree.num_nodes, 8, 8, 1)
    summary = model.prior.summary_tree()
    served_tree = Phylogeny.from_newick(answer["summary_newick"].item().decode())
    expected = Phylogeny(
        answer["summary_parent"], answer["summary_time"], support=answer["support"]
    )
    assert served_tree == expected == summary.tree
    np.testing.assert_array_equal(answer["support"], summary.transfer)
    np.testing.assert_array_equal(answer["clade_support"], summary.support)


@pytest.mark.parametrize("kind", KINDS)
def test_signatures_and_no_native_op(served, kind):
    assert served.names[kind] == SIGNATURES
    found = served.answers[f"served {kind}"]["signatures"]
    assert found == sorted([*SIGNATURES, "serving_default"])
    assert served.answers["libraries"] == []
    saved = saved_model_pb2.SavedModel()
    path = pathlib.Path(served.folder, f"served {kind}", "saved_model.pb")
    saved.ParseFromString(path.read_bytes())
    graph = saved.meta_graphs[0].graph_def
    inner = [function.node_def for function in graph.library.function]
    ops = {node.op for nodes in (graph.node, *inner) for node in nodes}
    assert {"MatMul", "StatelessRandomNormalV2"} <= ops  # all nodes are seen
    assert not [op for op in ops if "tfsp" in op.lower() or "tmc" in op.lower()]


def test_the_model_is_as_before(served):
    """Export leaves no trace: the model's density is the native one again, and it can move."""
    model = served.models["collapsed"]
    z = model.encode(served.x)
    graph = tf.function(model.prior.log_prob).get_concrete_function(z).graph.as_graph_def()
    native = [n.op for f in graph.library.function for n in f.node_def if "Tmc" in n.op]
    assert "TfspTmcPredictive" in native
    before = model.prior.parent.numpy()
    model.update()
    assert np.any(model.prior.parent.numpy() != before)
    with model.prior.portable():
        close(model.prior.log_prob(z), model.prior.attachment().log_prob(z))
        model.update()  # not followed within: the trees are those of its beginning
        assert np.any(model.prior.log_prob(z) != model.prior.attachment().log_prob(z))


def test_a_prior_that_is_not_portable_is_refused(tmp_path):
    class Careless(priors.LORACs):
        def portable(self):
            return priors.Prior.portable(self)

    prior = Careless(D, num_inducing=4, burn_in=0)
    model = models.VAE(networks.MLP(hidden=(4,)), prior=prior, latent_dim=D, seed=0)
    model.build((None, 5))
    with pytest.raises(ValueError, match=r"'sample' would need the ops TfspTmc.* prior Careless"):
        model.export(tmp_path / "served")
    assert not (tmp_path / "served").exists()
