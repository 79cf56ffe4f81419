"""What notebooks show: all there is, escaped, small, and well-formed."""

import json
import re
import xml.etree.ElementTree as etree

import keras
import numpy as np
import pytest

from tfsp import models, networks, notebook, priors
from tfsp.tmc import Phylogeny, TreeSummary

BAD = "<script>&\"'\x00\ud800</td>"


def page(shown):
    """The elements of what an object shows, as XML: it is well-formed, and small."""
    text = shown._repr_html_()
    assert len(text.encode()) < 100_000
    return etree.fromstring(text)


def words(element):
    return " ".join(element.itertext())


def cells(element):
    """Rows of all tables, as lists of text."""
    return [["".join(cell.itertext()) for cell in row] for row in element.iter("tr")]


def comb(num_leaves, names=None, support=None):
    """Leaves part one after the other; the last two latest."""
    inner = np.arange(num_leaves, 2 * num_leaves - 1)
    parent = np.concatenate([inner, inner[-1:], [-1], inner[:-1]])
    time = np.concatenate([np.ones(num_leaves), np.arange(num_leaves - 1) / num_leaves])
    return Phylogeny(parent, time, names, support=support)


def bushy(depth):
    """A complete tree of 2^depth leaves."""
    number = 2**depth
    level, parent, time, following = (
        np.arange(number),
        np.full(2 * number - 1, -1),
        [1.0] * number,
        number,
    )
    while len(level) > 1:
        above = following + np.arange(len(level) // 2)
        parent[level] = np.repeat(above, 2)
        level, following = above, following + len(above)
        time += [(np.log2(number / (number / len(above))) / depth)] * len(above)
    return Phylogeny(parent, time)


def test_results_are_a_dict_and_a_table():
    results = notebook.Results({"data": BAD, "elbo": -97.6914, "none": None, "small": 1.5e-7})
    assert json.loads(json.dumps(results)) == dict(results)
    found = dict(cells(page(results)))
    assert found["elbo"] == "-97.691"
    assert (found["none"], found["small"]) == ("-", "1.5e-07")
    assert found["data"] == "<script>&\"'\ufffd\ufffd</td>"
    many = notebook.Results({f"{i} {BAD}": BAD * 100 for i in range(5000)})
    shown = page(many)
    rows = len(cells(shown))
    assert 10 < rows < 5000
    assert words(shown).endswith(f"... and {5000 - rows:,} more")


@pytest.mark.parametrize("values", [0.0, np.nan, -np.inf, True, (1, 2), [1.5] * 1000])
def test_any_value_is_shown(values):
    assert len(cells(page(notebook.Results({"x": values})))) == 1


def test_a_tree_is_drawn_with_its_names_and_numbers():
    names = [f"leaf {i}" for i in range(4)] + [BAD]
    support = np.concatenate([np.ones(5), [1.0, 0.5, np.nan, 0.04]])
    tree = comb(5, names, support)
    found = page(tree)
    numbers = dict(cells(found))
    assert numbers["leaves"] == "5"
    assert numbers["height"] == "1.000"
    assert numbers["inner times"] == "0.2 to 0.6"
    assert numbers["support"] == "mean 0.270, least 0.040"
    texts = [text.text for text in found.iter("{http://www.w3.org/2000/svg}text")]
    assert sorted(texts) == sorted([*names[:4], "<script>&\"'\ufffd\ufffd</td>"])
    paths = list(found.iter("{http://www.w3.org/2000/svg}path"))
    assert len(paths) == 4  # one a split, of both edges below it
    opacity = sorted(path.get("stroke-opacity") or "-" for path in paths)
    assert opacity == ["-", "0.20", "0.50", "1.00"]


def test_edges_lie_where_their_times_are():
    """Every split begins at its time and ends at those of its children, leaves at the right end."""
    tree = comb(6)
    found = page(tree)
    ends = []
    for path in found.iter("{http://www.w3.org/2000/svg}path"):
        first, split, second = map(
            float, re.fullmatch(r"M(\S+) \S+H(\S+)V\S+H(\S+)", path.get("d")).groups()
        )
        ends.append((split, *sorted((first, second))))
    left, width = 4.0, 412.0
    place = [round(left + width * time, 1) for time in tree.time]
    inner = range(6, 11)
    expected = [(place[v], *sorted(place[c] for c in tree.children[v])) for v in inner]
    np.testing.assert_allclose(sorted(ends), sorted(expected), atol=0.051)
    assert "support" not in dict(cells(found))


@pytest.mark.parametrize(
    "tree", [bushy(10), comb(1500), comb(200), comb(2), Phylogeny([-1], [1.0])]
)
def test_of_many_leaves_the_largest_clades_are_drawn(tree):
    found = page(tree)
    paths = list(found.iter("{http://www.w3.org/2000/svg}path"))
    clades = [path for path in paths if path.get("fill")]
    tips = min(tree.num_leaves, 200)
    assert len(paths) - len(clades) == tips - 1
    assert (
        bool(clades) == ("Cut to its 200 largest clades" in words(found)) == (tree.num_leaves > 200)
    )
    if tree.num_leaves == 1024:  # 56 of 128 clades of 8 leaves are not split to 4, nor these
        assert "of up to 8 leaves each" in words(found)


def test_the_largest_page_of_a_tree():
    names = [f"{i}{'&' * 50}" for i in range(60)]
    page(comb(60, names, np.full(119, 0.123)))
    page(comb(300, [f"{i}{'&' * 50}" for i in range(300)], np.full(599, 0.123)))


def test_a_summary_shows_its_tree():
    tree = comb(3)
    square = np.zeros((3, 3))
    summary = TreeSummary(tree, square, square, np.ones(5), np.ones(5), 0.98, 400, ())
    found = page(summary)
    assert dict(cells(found))["agreement"] == "0.980"
    assert list(found.iter("{http://www.w3.org/2000/svg}svg"))


@pytest.mark.parametrize("name", priors.names())
def test_priors_show_settings_and_shapes(name):
    prior = priors.get(name).example()
    prior.build()
    found = page(prior)
    assert found[0].text == type(prior).__name__
    rows = cells(found)
    settings = rows[0][1]
    assert f"latent_dim={prior.latent_dim}" in settings
    shown = {row[0]: row for row in rows[2:]}
    assert len(shown) == len(prior.weights)
    for weight in prior.weights:
        shape, numbers, trained = shown[weight.path][1:]
        assert shape == str(tuple(weight.shape))
        assert numbers == f"{np.size(weight.numpy()):,}"
        assert trained == ("yes" if weight.trainable else "no")


@pytest.mark.parametrize("name", models.names())
def test_models_show_their_parts(name):
    model = models.get(name).example()
    before = page(model)
    assert dict(row for row in cells(before) if len(row) == 2)["data"].startswith("not known")
    model.build((None, 6))
    found = page(model)
    facts = dict(row for row in cells(found) if len(row) == 2)
    assert facts["data"] == "(6,)"
    assert model.bound.name in facts["objective"]
    parts = {row[0]: row for row in cells(found) if len(row) == 5}
    assert {"likelihood", "prior"} <= set(parts)
    assert parts["prior"][1] == type(model.prior).__name__
    assert parts["likelihood"][1] == type(model.likelihood).__name__
    counts = [row[2:4] for row in parts.values() if row[0] != "part"]
    total = sum(int(count.replace(",", "")) for pair in counts for count in pair)
    assert total == model.count_params()


def test_parameters_are_counted_by_hand():
    prior = {"name": "mixture", "num_components": 3}
    model = models.VAE(networks.MLP(hidden=(7,)), prior=prior, latent_dim=2, seed=0)
    model.build((None, 5))
    parts = {row[0]: row for row in cells(page(model)) if len(row) == 5}
    assert parts["encoder"][2] == str(5 * 7 + 7 + 7 * 4 + 4)
    assert parts["decoder"][2] == str(2 * 7 + 7 + 7 * 5 + 5)
    assert "num_components=3" in parts["prior"][4]
    assert parts["decoder"][4] == "output (None, 5)"


def test_what_data_name_is_escaped():
    likelihood = {"name": "columns", "kinds": ["gaussian"] * 2, "names": [BAD, "b"]}
    model = models.VAE(networks.MLP(hidden=(3,)), likelihood=likelihood, latent_dim=2, seed=0)
    model.build((None, 2))
    assert "<script>" in words(page(model))  # as text


def test_keras_shows_models_as_before():
    assert not hasattr(keras.Model, "_repr_html_")
    assert models.VAE.__repr__ is keras.Model.__repr__
    assert models.VAE.__str__ is keras.Model.__str__
