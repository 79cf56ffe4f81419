"""Where rows belong: edges by dense quadrature, paths by walking, neighbours by hand."""

import numpy as np
import pandas
import pytest
from coded import Codes, points, table, tree_prior
from reference import tmc

from tfsp import evaluation, models, priors
from tfsp.evaluation import attachment
from tfsp.run_directory import RunDirectory
from tfsp.tmc import Phylogeny, lasting_clusters

WIDTH = 4


@pytest.fixture(scope="module")
def tree():
    """A started prior with six leaves in 2 dimensions."""
    return tree_prior()


def walk(parent, node):
    path = [int(node)]
    while parent[path[-1]] >= 0:
        path.append(int(parent[path[-1]]))
    return "/".join(map(str, path[::-1]))


def test_edges_are_those_of_dense_quadrature(tree):
    x = points()
    drawn = tree.phylogeny()
    found = evaluation.attach(Codes(tree), table(x), tree=drawn)
    assert list(found.index) == [f"r{i}" for i in range(40)]
    assert found.index.name == "row"
    leaves = np.asarray(tree.leaf_locations(), float)
    dense = np.exp(tmc.attachment_log_prob(x, drawn.parent, drawn.time, leaves, num=2001))
    np.testing.assert_allclose(dense.sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(found["probability"], dense.max(axis=1), rtol=2e-3)
    clear = np.sort(dense, axis=1)[:, -1] - np.sort(dense, axis=1)[:, -2] > 0.01
    assert clear.sum() > 30
    np.testing.assert_array_equal(found["node"][clear], dense.argmax(axis=1)[clear])
    assert list(found["path"]) == [walk(drawn.parent, node) for node in found["node"]]


def test_clusters_sum_over_edges(tree):
    x = points(seed=1)
    drawn = tree.phylogeny()
    leaf_cluster = lasting_clusters(drawn, 2)
    found = evaluation.attach(Codes(tree), table(x), tree=drawn, num_clusters=2)
    leaves = np.asarray(tree.leaf_locations(), float)
    dense = np.exp(tmc.attachment_log_prob(x, drawn.parent, drawn.time, leaves, num=2001))
    share = np.array([np.mean(leaf_cluster[drawn.leaves_below(v)]) for v in range(11)])
    second = dense @ share
    clear = abs(second - 0.5) > 0.01
    np.testing.assert_array_equal(found["cluster"][clear], (second > 0.5)[clear])


def test_members_are_the_rows_whose_path_goes_through(tree):
    found = evaluation.attach(Codes(tree), table(points()))
    numbers = {int(node) for path in found["path"] for node in path.split("/")}
    root = int(found["path"].iloc[0].split("/")[0])
    assert len(evaluation.members(found, root)) == 40
    for node in numbers:
        below = [i for i, path in found["path"].items() if str(node) in path.split("/")]
        assert list(evaluation.members(found, node).index) == below
    assert len(evaluation.members(found, 999)) == 0
    with pytest.raises(ValueError, match=r"`node` must be .*Received: -1"):
        evaluation.members(found, -1)


def test_summary_is_the_tree_unless_another_is_given(tree):
    found = evaluation.attach(Codes(tree), table(points()), part="test")
    summary = tree.summary_tree(warn=False).tree
    assert list(found["path"]) == [walk(summary.parent, node) for node in found["node"]]
    with pytest.raises(ValueError, match="over the 6 leaves of the prior. Received: a tree over 2"):
        evaluation.attach(Codes(tree), table(points()), tree=Phylogeny([2, 2, -1], [1, 1, 0.0]))


def test_rows_come_in_the_order_of_the_source_with_part_and_label(tree):
    labels = np.array(["a", "b"])[np.arange(40) % 2]
    data = table(points(), labels)
    found = evaluation.attach(Codes(tree), data)
    assert list(found["label"]) == list(labels)
    for part in ("train", "validation", "test"):
        assert list(found.index[found["part"] == part]) == list(data.index(part))
    one = evaluation.attach(Codes(tree), data, part="validation")
    pandas.testing.assert_frame_equal(one, found[found["part"] == "validation"])


def test_new_examples_are_numbered_and_keep_their_labels(tree):
    x = points(12)
    found = evaluation.attach(Codes(tree), (x, np.arange(12) % 3))
    assert list(found.index) == list(range(12))
    assert list(found["label"]) == [0, 1, 2] * 4
    assert "part" not in found
    with pytest.raises(ValueError, match=r"`part` is one of a `tfsp.data.Data`. Received: .*test"):
        evaluation.attach(Codes(tree), x, part="test")


def test_categories_are_nodes_with_their_probabilities():
    shares = np.array([[0.7, 0.0, 0.2, 0.1], [0.1, 0.0, 0.8, 0.1], [0.0, 0.0, 0.4, 0.6]])
    found = attachment.in_categories(shares)
    assert list(found.node) == [0, 2, 3]
    np.testing.assert_allclose(found.probability, [0.7, 0.8, 0.6])
    assert list(found.cluster) == [0, 2, 3]
    paths = attachment.paths(found.parent, found.node)
    assert [path.split("/")[-1] for path in paths] == ["0", "2", "3"]
    # Categories 2 and 3 are nearer: they share an inner node below the root.
    assert [path.split("/")[0] for path in paths] == ["5"] * 3
    assert paths[1].split("/")[:-1] == paths[2].split("/")[:-1] == ["5", "4"]
    joined = attachment.in_categories(shares, num_clusters=2).cluster
    assert joined[1] == joined[2] != joined[0]
    with pytest.raises(ValueError, match="num_clusters"):
        attachment.in_categories(shares, num_clusters=4)


def test_a_model_with_categories_attaches_to_them():
    data = table(points(40, WIDTH), table=True)
    model = models.CPVAE(
        {"name": "mlp", "hidden": (8,)},
        likelihood={"name": "gaussian"},
        latent_dim=2,
        num_categories=3,
    )
    model.build((None, WIDTH))
    found = evaluation.attach(model, data, part="train")
    expected = np.asarray(model.responsibilities(data.arrays("train")[0]))
    np.testing.assert_allclose(found["probability"], expected.max(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(found["node"], expected.argmax(axis=1))
    with pytest.raises(ValueError, match="`tree` is for a tree prior"):
        evaluation.attach(model, data, tree=Phylogeny([2, 2, -1], [1, 1, 0.0]))


def test_other_models_have_clusters_of_neighbours():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])
    kind = np.repeat(np.arange(3), 30)
    x = (centres[kind] + rng.normal(size=(90, 2))).astype(np.float32)
    found = evaluation.attach(Codes(priors.NormalPrior(2)), table(x), num_clusters=3)
    assert list(found["cluster"]) == list(kind)
    assert (found["probability"] == 1).all()  # ten deviations apart
    for k in range(3):
        own = found[found["cluster"] == k]
        commonest = own["node"].mode()[0]
        assert set(evaluation.members(found, commonest).index) <= set(own.index)
    # By hand: a row counts those of its two nearest that are in its cluster.
    line = np.array([[0.0], [1.0], [2.5], [20.0], [21.0], [22.5], [23.0]])
    few = attachment.among_neighbours(line, num_clusters=2)
    assert list(few.cluster) == [0, 0, 0, 1, 1, 1, 1]
    np.testing.assert_allclose(few.probability, [2 / 6] * 3 + [3 / 6] * 4)


def test_a_model_with_consistency_has_its_codes_of_views():
    x = np.random.default_rng(0).random((30, 4, 4, 1)).astype(np.float32)
    model = models.VAE({"name": "mlp", "hidden": (4,)}, latent_dim=2, consistency=1.0, seed=0)
    model.build((None, 4, 4, 1))
    found = evaluation.attach(model, x, seed=3)
    expected = attachment.among_neighbours(evaluation.encode_views(model, x, seed=3)[0])
    np.testing.assert_array_equal(found["node"], expected.node)
    np.testing.assert_array_equal(found["cluster"], expected.cluster)


def test_codes_as_a_frame():
    labels = np.array(["b", "a", "c", "a"] * 10)
    x = points(40)
    data = table(x, labels)
    frame = evaluation.encode(Codes(None), data, part="train", as_frame=True)
    assert list(frame.columns) == ["z0", "z1", "label"]
    rows = [int(name[1:]) for name in data.index("train")]
    assert list(frame.index) == list(data.index("train"))
    np.testing.assert_array_equal(frame[["z0", "z1"]], x[rows])
    assert list(frame["label"]) == list(labels[rows])
    plain = evaluation.encode(Codes(None), x, as_frame=True)
    assert list(plain.columns) == ["z0", "z1"]
    assert list(plain.index) == list(range(40))
    codes, found = evaluation.encode(Codes(None), data)
    np.testing.assert_array_equal(codes, data.arrays("test")[0])
    np.testing.assert_array_equal(found, data.arrays("test")[1])


def test_frames_need_pandas(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install 'tfsp\[tables\]'"):
        evaluation.encode(Codes(None), points(), as_frame=True)


def subject(model, data, run, num_clusters=None):
    config = {"evaluate": {"num_samples": 1, "num_examples": 0}}
    return evaluation.tasks.Subject(model, config, data, run=run, num_clusters=num_clusters)


def test_the_task_writes_a_table_and_keeps_another(tree, tmp_path):
    run = RunDirectory(tmp_path)
    data = table(points(), np.array(["x, y", "z"])[np.arange(40) % 2])
    task = evaluation.tasks.TASKS["members"]
    own = subject(Codes(tree), data, run, num_clusters=2)
    row = task.function(own)
    file = tmp_path / "members.csv"
    assert row == {
        "members_file": "members.csv",
        "members_num_rows": 40,
        "members_num_nodes": row["members_num_nodes"],
        "members_num_clusters": 2,
    }
    expected = evaluation.attach(Codes(tree), data, num_clusters=2)
    read = pandas.read_csv(file, index_col="row")
    pandas.testing.assert_frame_equal(read, expected, check_dtype=False, rtol=1e-5)
    task.function(own)  # the same again: nothing is kept
    assert [path.name for path in tmp_path.iterdir()] == ["members.csv"]
    before = file.read_bytes()
    for number in (1, 2):
        other = subject(Codes(tree), data, run, num_clusters=number)
        with pytest.warns(UserWarning, match=f"kept as .*members-{number}.csv"):
            task.function(other)
    assert (tmp_path / "members-1.csv").read_bytes() == before == file.read_bytes()
    with pytest.raises(ValueError, match="needs a run directory"):
        task.check(subject(Codes(tree), data, None))
