"""What the page shows, against walking the tree and plain sums over rows."""

import base64
import json

import numpy as np
import pytest
from coded import Codes, points, table, tree_prior
from explorer_cases import Plain, folder_of_pictures
from test_sheets import read

import tfsp
from tfsp import evaluation, explorer, models
from tfsp.tmc import neighbour_tree


def below(structure, m):
    """Rows of the page at or below node m, by climbing from each."""
    parent, found = structure["nodes"]["parent"], []
    for i, v in enumerate(structure["rows"]["last"]):
        while v >= 0 and v != m:
            v = parent[v]
        if v == m:
            found.append(i)
    return found


@pytest.fixture(scope="module")
def on_prior():
    """(structure, data, the members' table) of a tree prior with 40 rows."""
    labels = np.array(["a", "b", "c"])[np.arange(40) % 3]
    data, model = table(points(), labels), Codes(tree_prior())
    return explorer.collect(model, data), data, evaluation.attach(model, data)


def test_numbers_of_nodes_are_those_of_the_members(on_prior):
    structure, _, members = on_prior
    rows, number = structure["rows"], structure["nodes"]["number"]
    assert sorted(rows["name"]) == sorted(members.index)
    for i, name in enumerate(rows["name"]):
        line = members.loc[name]
        assert rows["node"][i] == line["node"]
        assert rows["cluster"][i] == line["cluster"]
        assert rows["part"][i] == line["part"]
        assert structure["classes"][rows["label"][i]] == line["label"]
        assert int(name[1:]) == rows["row"][i]
        path, v = [], rows["last"][i]
        while v >= 0:
            path.append(str(number[v]))
            v = structure["nodes"]["parent"][v]
        assert "/".join(path[::-1]) == line["path"]


def test_times_and_support_are_those_of_the_summary(on_prior):
    structure, _, _ = on_prior
    summary = tree_prior().summary_tree(warn=False)
    nodes = structure["nodes"]
    np.testing.assert_allclose(nodes["time"], summary.tree.time[nodes["number"]], atol=1e-6)
    np.testing.assert_allclose(nodes["support"], summary.transfer[nodes["number"]], atol=1e-3)


def test_rows_of_a_node_are_one_stretch(on_prior):
    structure, _, _ = on_prior
    nodes = structure["nodes"]
    for m, (start, count) in enumerate(zip(nodes["start"], nodes["count"], strict=True)):
        assert below(structure, m) == list(range(start, start + count))


def test_nearest_rows_of_a_tree_prior_are_nearest_to_the_node(on_prior):
    structure, data, _ = on_prior
    prior = tree_prior()
    summary = prior.summary_tree(warn=False).tree
    parent, time = summary.parent, summary.time
    locations = posterior_means(parent, time, np.asarray(prior.leaf_locations(), float))
    x = np.concatenate([data.arrays(part)[0] for part in ("train", "validation", "test")])
    rows = np.concatenate([data.rows(part) for part in ("train", "validation", "test")])
    codes = x[np.argsort(rows)][structure["rows"]["row"]]
    for m, near in enumerate(structure["nodes"]["nearest"]):
        inside = below(structure, m)
        far = np.linalg.norm(codes[inside] - locations[structure["nodes"]["number"][m]], axis=1)
        assert near == [inside[j] for j in np.argsort(far, kind="stable")[:12]]


def posterior_means(parent, time, leaves):
    """Means of the nodes of a Brownian tree given its leaves, by the dense Gaussian."""
    num = len(parent)

    def ancestors(v):
        found = [v]
        while parent[found[-1]] >= 0:
            found.append(int(parent[found[-1]]))
        return found

    paths = [ancestors(v) for v in range(num)]
    # As the sampler has it the root is drawn from N(0, 1), and time adds to that.
    shared = np.array([[1 + time[next(v for v in a if v in set(b))] for b in paths] for a in paths])
    n = len(leaves)
    return shared[:, :n] @ np.linalg.solve(shared[:n, :n], leaves)


def test_a_model_without_a_tree_gets_that_of_nearest_neighbours():
    x = points(30, 3)
    structure = explorer.collect(Codes(Plain()), x)
    tree = neighbour_tree(x.astype(float))
    nodes = structure["nodes"]
    assert len(nodes["number"]) == tree.num_nodes
    for number, up, time in zip(nodes["number"], nodes["parent"], nodes["time"], strict=True):
        assert (nodes["number"][up] if up >= 0 else -1) == tree.parent[number]
        np.testing.assert_allclose(time, tree.time[number], atol=1e-6)
    assert nodes["support"] is None
    # Leaves are the rows themselves.
    assert [nodes["number"][m] for m in structure["rows"]["last"]] == structure["rows"]["row"]
    for m, near in enumerate(nodes["nearest"]):
        inside = below(structure, m)
        codes = x[[structure["rows"]["row"][i] for i in inside]].astype(float)
        far = np.linalg.norm(codes - codes.mean(axis=0), axis=1)
        assert near == [inside[j] for j in np.argsort(far, kind="stable")[:12]]


def test_rows_of_parts_go_with_their_leaves():
    """The tree is over rows part after part, the page speaks of rows of the source."""
    x = points(40, 3)
    data = table(x)
    structure = explorer.collect(Codes(Plain()), data)
    members = evaluation.attach(Codes(Plain()), data)
    for i, name in enumerate(structure["rows"]["name"]):
        number = [structure["nodes"]["number"][structure["rows"]["last"][i]]]
        m = structure["rows"]["last"][i]
        while (m := structure["nodes"]["parent"][m]) >= 0:
            number.append(structure["nodes"]["number"][m])
        path = "/".join(map(str, number[::-1]))
        assert path.startswith(members.loc[name, "path"])
    content = structure["table"]
    values = np.frombuffer(base64.b64decode(content["values"]), "<f4").reshape(40, 3)
    np.testing.assert_array_equal(values, x[structure["rows"]["row"]])
    assert content["columns"] == ["c0", "c1", "c2"]


def test_columns_that_set_a_node_apart():
    x = points(30, 4)
    x[:10, 2] += 20
    structure = explorer.collect(Codes(Plain()), table(x))
    values = x[structure["rows"]["row"]].astype(float)
    for m, apart in enumerate(structure["table"]["apart"]):
        inside = np.isin(np.arange(30), below(structure, m))
        if inside.all():
            assert apart == []
            continue
        expected = (values[inside].mean(0) - values[~inside].mean(0)) / values.std(0)
        assert [j for j, _, _ in apart] == list(np.argsort(-abs(expected), kind="stable"))
        for j, difference, mean in apart:
            np.testing.assert_allclose(difference, expected[j], atol=6e-4)
            np.testing.assert_allclose(mean, values[inside, j].mean(), rtol=1e-4)


def test_missing_values_are_left_out():
    x = points(30, 4)
    x[::3, 1] = np.nan
    likelihood = {"name": "gaussian", "missing": True}
    model = models.VAE({"name": "mlp", "hidden": (8,)}, latent_dim=2, likelihood=likelihood)
    model.build((None, 4))
    structure = explorer.collect(model, tfsp.data.load(table_of(x), missing="model"))
    values = np.frombuffer(base64.b64decode(structure["table"]["values"]), "<f4").reshape(30, 4)
    np.testing.assert_array_equal(values, x[structure["rows"]["row"]])
    root, *others = structure["table"]["apart"]
    assert root == []
    assert all(np.isfinite(mean) for node in others for _, _, mean in node)


def table_of(x):
    import pandas

    return pandas.DataFrame(x, columns=[f"c{i}" for i in range(x.shape[1])])


def test_pictures_of_a_folder(tmp_path):
    data = tfsp.data.load(folder_of_pictures(tmp_path / "pictures", each=8))
    structure = explorer.collect(Codes(Plain()), data)
    assert structure["kind"] == "images"
    assert structure["classes"] == ["left", "right", "top"]
    pictures = read(structure["pictures"])
    colours = np.frombuffer(base64.b64decode(structure["colours"]), np.uint8).reshape(-1, 3)
    for i, name in enumerate(structure["rows"]["name"]):
        from PIL import Image

        with Image.open(tmp_path / "pictures" / name) as image:
            own = np.asarray(image)
        np.testing.assert_array_equal(pictures[i], own)
        assert colours[i].tolist() == [round(own.mean())] * 3
        assert structure["classes"][structure["rows"]["label"][i]] == name.split("/")[0]


def test_decoded_means_and_samples_of_a_tree_prior():
    """A decoder whose mean is known: a picture as bright as the code."""
    import tensorflow as tf
    import tensorflow_probability as tfp

    class Bright(Codes):
        def encode(self, x):
            return tf.reshape(x, [len(x), -1])[:, :2]

        def decode(self, z):
            grey = tf.sigmoid(z[:, 0])[:, None, None, None] * tf.ones([1, 4, 4, 1])
            return tfp.distributions.Deterministic(grey)

    prior = tree_prior()
    images = np.random.default_rng(0).random((25, 4, 4, 1)).astype(np.float32)
    structure = explorer.collect(Bright(prior), images, seed=3)
    summary = prior.summary_tree(seed=3, warn=False).tree
    leaves = np.asarray(prior.leaf_locations(), float)
    locations = posterior_means(summary.parent, summary.time, leaves)
    numbers = np.array(structure["nodes"]["number"])
    shown = read(structure["means"]["pictures"])
    for m, picture in zip(structure["means"]["nodes"], shown, strict=True):
        expected = 255 / (1 + np.exp(-locations[numbers[m], 0]))
        assert abs(picture.astype(float) - expected).max() < 0.51 + 1e-3
    samples = structure["samples"]
    drawn = read(samples["pictures"]).reshape(len(samples["nodes"]), samples["each"], 4, 4)
    assert samples["each"] == 8
    assert len(np.unique(drawn[0])) > 2  # fresh draws, not one mean
    again = explorer.collect(Bright(prior), images, seed=3)
    assert again["samples"] == samples


def test_samples_come_from_below_the_node_of_the_summary():
    from tfsp.explorer import generated

    class View:
        def decode(self, z):
            import tensorflow_probability as tfp

            return tfp.distributions.Deterministic(z)

    class Model(Codes):
        def prior_view(self):
            return View()

    prior = tree_prior(4, 1)
    prior.start(
        np.array([[-9.0], [-8.9], [8.9], [9.0]], np.float32),
        [4, 4, 5, 5, 6, 6, -1],
        [1, 1, 1, 1, 0.95, 0.95, 0.0],
        burn_in=0,
    )
    places = evaluation.attachment.Places(
        np.array([4, 4, 5, 5, 6, 6, -1]),
        None,
        None,
        None,
        np.array([1, 1, 1, 1, 0.95, 0.95, 0.0]),
        None,
        None,
    )
    drawn = generated.samples(Model(prior), places, [4, 5], 50, 0)
    assert drawn.shape == (2, 50, 1)
    assert np.mean(drawn[0] < 0) > 0.9
    assert np.mean(drawn[1] > 0) > 0.9


def test_questions_are_about_rows_of_the_source():
    x = points(30, 2)
    structure = explorer.collect(Codes(Plain()), x, questions=[(3, 7, 11), np.array([0, 1, 29])])
    row = structure["rows"]["row"]
    assert [[row[i] for i in triple] for triple in structure["questions"]] == [
        [3, 7, 11],
        [0, 1, 29],
    ]
    for wrong in [(1, 2), (1, 1, 2), (1, 2, 3.5), ("a", 1, 2)]:
        with pytest.raises(ValueError, match=r"questions\[1\] must be three different rows"):
            explorer.collect(Codes(Plain()), x, questions=[(3, 7, 11), wrong])
    with pytest.raises(ValueError, match=r"questions\[0\] asks about row 30, which is not"):
        explorer.collect(Codes(Plain()), x, questions=[(3, 7, 30)])


def test_json_holds_all_of_it(on_prior):
    structure, _, _ = on_prior
    assert json.loads(json.dumps(structure, allow_nan=False)) == structure


def test_a_subset_keeps_the_datas_own_fingerprint(on_prior):
    structure, data, _ = on_prior
    less = explorer.collect(Codes(tree_prior()), data, limit=5)
    assert len(less["rows"]["row"]) < 40
    assert less["data"] == structure["data"]
    assert less["data"]["rows"] == 40
    assert less["run"] != structure["run"]


def test_shown_are_other_pictures_of_the_same_rows():
    images = np.random.default_rng(0).random((40, 6, 6, 1)).astype(np.float32)
    binary, grey = (tfsp.data.load(images, binarization=how) for how in ("static", "none"))
    structure = explorer.collect(Codes(Plain()), binary, shown=grey)
    pictures = read(structure["pictures"])
    expected = np.round(images[structure["rows"]["row"], ..., 0] * 255)
    np.testing.assert_array_equal(pictures, expected)
    other = tfsp.data.load(images[:30])
    with pytest.raises(ValueError, match="`shown` must have the rows of `data`; its part 'train'"):
        explorer.collect(Codes(Plain()), binary, shown=other)
    with pytest.raises(ValueError, match="must both be a tfsp.data.Data"):
        explorer.collect(Codes(Plain()), images, shown=grey)


def test_what_is_no_model_or_no_data():
    with pytest.raises(
        ValueError, match="`model` must be a trained model of tfsp .* without 'prior'"
    ):
        explorer.collect(object(), points())
    with pytest.raises(ValueError, match="A tree needs 2 rows or more"):
        explorer.collect(Codes(Plain()), points(1))


def test_categories_make_the_tree_of_a_model_that_has_them():
    x = points(30, 5)
    model = models.CPVAE(
        {"name": "mlp", "hidden": (8,)}, num_categories=4, latent_dim=2, likelihood="gaussian"
    )
    model.build((None, 5))
    structure = explorer.collect(model, x)
    probabilities = evaluation.category_probabilities(model, x)[0]
    rows = structure["rows"]
    assert rows["node"] == [int(probabilities[row].argmax()) for row in rows["row"]]
    assert sum(1 for up in structure["nodes"]["parent"] if up < 0) == 1
    assert "means" not in structure
