"""Newick text: round trips to the last bit, the grammar, errors with their places."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from reference import tmc

from tfsp.tmc import Phylogeny
from tmc.strategies import FAST, trees

read = Phylogeny.from_newick


@FAST
@given(trees())
def test_round_trip(tree):
    assert read(tree.to_newick(), names=tree.names) == tree


@FAST
@given(trees(named=True))
def test_round_trip_by_order_of_appearance(tree):
    other = read(tree.to_newick(), names=None)
    if other.names is not None:  # names that are just 0..N-1 are taken for numbers
        assert other.reorder([other.leaf(name) for name in tree.names]) == tree


@FAST
@given(trees(min_leaves=2), st.data())
def test_round_trip_of_a_part(tree, data):
    part = tree.subtree(data.draw(st.integers(tree.num_leaves, tree.num_nodes - 1)))
    assert read(part.to_newick(), names=part.names) == part


@pytest.mark.parametrize("seed", range(5))
def test_round_trip_of_prior_trees(seed):
    """Prior times come close to 1: sums of lengths must still give every bit back."""
    tree = Phylogeny(*tmc.sample_prior(np.random.default_rng(seed), 300))
    text = tree.to_newick()
    assert read(text) == tree
    assert read(text).to_newick() == text


@FAST
@given(st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
@example(0.1, 0.3)
@example(5e-324, 0.5)
@example(0.4999999999999999, 1 - 2**-53)
@example(2**-54, 0.5 + 2**-53)  # no float64 length leads from one to the other
def test_any_two_times_survive(one, other):
    start, end = sorted((one, other))
    if 0 < start < end:
        tree = Phylogeny([4, 4, 5, 6, 5, 6, -1], [1, 1, 1, 1, end, start, 0])
        assert read(tree.to_newick()) == tree


def test_text_by_hand():
    tree = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], ["it's", "a_b", "c-1"])
    assert tree.to_newick() == "(c-1:1,('it''s':0.5,'a_b':0.5):0.5);"
    assert tree.with_names(None).to_newick() == "(2:1,(0:0.5,1:0.5):0.5);"
    assert Phylogeny([-1], [1.0]).to_newick() == "0:1;"
    assert Phylogeny([2, 2, -1], [1, 1, 0.5], root_time=0.5).to_newick() == "(0:0.5,1:0.5):0.5;"


@pytest.mark.parametrize(
    "text",
    [
        "((a:0.5,b:0.5):0.5,c:1);",
        "\ufeff[&R] ( ( a : 5e-1 , b:.5 ) : 0.5 ,\n\tc:1 ) ; \n",
        "((a[x[y]z]:0.5,'b'[:7]:0.5)'inner node':0.5[it's],c:1.0)root:0.0;",
        "((a:+0.5,b:0.5)98:0.5,c:1)[;];[end]",
    ],
)
def test_dialects(text):
    expected = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], ["a", "b", "c"])
    assert read(text) == expected


def test_labels():
    numbers = Phylogeny([4, 3, 3, 4, -1], [1, 1, 1, 0.5, 0])
    assert read("((2:0.5,1:0.5):0.5,0:1);") == numbers
    assert read("((2:0.5,1:0.5):0.5,0:1);", names="012").names == ("0", "1", "2")
    assert read("((2:0.5,1:0.5):0.5,3:1);").names == ("2", "1", "3")
    assert read("((:0.5,:0.5):0.5,:1);") == Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0])
    assert read("a;") == read("a:1;") == Phylogeny([-1], [1.0], ["a"])
    assert read("((a_b:0.5,'c d''''':0.5):0.5,é:1);").names == ("a_b", "c d''", "é")
    tree = read("((a_b:0.5,c_d:0.5):0.5,é:1);", names=["é", "a b", "c_d"])  # as some write a blank
    assert tree == Phylogeny([4, 3, 3, 4, -1], [1, 1, 1, 0.5, 0], ["é", "a b", "c_d"])
    with pytest.raises(ValueError, match="Leaf 1, in order of appearance, has no label"):
        read("((a:0.5,:0.5):0.5,b:1);")
    with pytest.raises(ValueError, match="both 'a'"):
        read("((a:0.5,a:0.5):0.5,b:1);")
    with pytest.raises(ValueError, match=r"labels of the 3 leaves.*\['c', 'd'\]"):
        read("((a:0.5,b:0.5):0.5,c:1);", names=["a", "b", "d"])


def test_heights():
    expected = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], ["a", "b", "c"])
    assert read("((a:2,b:2):2,c:4):9;", rescale=True) == expected
    almost = read("((a:0.5,b:0.5000001):0.5,c:1.0000001);")
    assert almost == expected
    with pytest.raises(ValueError, match=r"distance 1 from the root. Received: 4.0.*rescale=True"):
        read("((a:2,b:2):2,c:4);")
    with pytest.raises(ValueError, match="Received: 1.1 and 1.0, the latter at position 2"):
        read("((a:0.5,b:0.6):0.5,c:1.1);")
    with pytest.raises(ValueError, match="same positive distance"):
        read("(a:1e308,b:1e308):1e308;")


def test_resolve():
    with pytest.raises(ValueError, match=r"3 children, not 2, at position 0 \(.*resolve=True"):
        read("(a:1,b:1,c:1);")
    with pytest.raises(ValueError, match=r"1 children, not 2, at position 1"):
        read("((a:0.5):0.5,c:1);")
    star = read("(a:1,b:1,c:1,d:1);", resolve=True)
    assert star.names == ("a", "b", "c", "d")
    assert star.time[4:].max() < 1e-5
    nested = read("(a:1,(b:1,(c:1,d:1):0):0);", resolve=True)
    assert nested.same_topology(star)
    single = read("(((a:0.25):0.25,b:0.5):0.5,(c:0.5):0.5);", resolve=True)
    assert single == Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], ["a", "b", "c"])
    assert read("((a:3,b:3):1);", resolve=True, rescale=True).num_leaves == 2
    touching = read("((a:0,b:0):1,c:1);", resolve=True)
    assert 0.999 < touching.time[3:].max() <= 1 - 1e-6
    negative = read("((a:1,b:1):-1e-9,c:1);", resolve=True)
    assert negative.num_leaves == 3


@FAST
@given(trees())
def test_resolve_leaves_binary_trees_alone(tree):
    assert read(tree.to_newick(), names=tree.names, resolve=True) == tree


@pytest.mark.parametrize("seed", range(40))
def test_resolve_any_shape(seed):
    """Random nested text with nodes of any size: clades of the text stay clades."""
    rng = np.random.default_rng(seed)
    num_leaves = int(rng.integers(1, 13))
    groups = [(f"x{n}:1", {n}) for n in range(num_leaves)]
    clades = set()
    while len(groups) > 1 or rng.random() < 0.3:
        size = min(len(groups), rng.choice([1, 2, 2, 3, 5]))
        picked = [groups.pop(rng.integers(len(groups))) for _ in range(size)]
        leaves = set().union(*(members for _, members in picked))
        groups.append((f"({','.join(text for text, _ in picked)}):0", leaves))
        clades.add(frozenset(leaves))
    names = [f"x{n}" for n in range(num_leaves)]
    tree = read(groups[0][0] + ";", names, resolve=True, rescale=True)
    found = {frozenset(tree.leaves_below(v).tolist()) for v in range(tree.num_nodes)}
    assert clades <= found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"ends before a semicolon at position 0 \(line 1\)"),
        ("   ", "ends before a semicolon at position 3"),
        (";", "no tree at position 0"),
        ("(a:1,b:1)", "before a semicolon at position 9"),
        ("(a:1,b:1;", "ends with an open parenthesis at position 8"),
        ("((a:1,b:1)", "before a semicolon, with an open parenthesis at position 10"),
        ("(a:1,b:1));", r"'\)' is outside all parentheses at position 9"),
        ("(a:1,b:1),c:1;", "',' is outside all parentheses at position 9"),
        ("(a:1,b:1);x", "'x' follows the semicolon.* at position 10"),
        ("(a:1,b:1);;", "';' follows the semicolon"),
        ("(a:1 1,b:1);", "Text after a length, '1' at position 5"),
        ("(a b:1,b:1);", "second label, 'b'.*quotes at position 3"),
        ("(a:1:2,b:1);", "second length at position 4"),
        ("(a:,b:1);", "finite number, not ',', at position 3"),
        ("(a:x,b:1);", "not 'x', at position 3"),
        ("(a:nan,b:1);", "not 'nan', at position 3"),
        ("(a:1_0,b:1);", "not '1_0', at position 3"),
        ("(a:1,b:inf);", "not 'inf', at position 7"),
        ("(a:1,b:sNaN);", "not 'sNaN', at position 7"),
        ("(a:1,b:1e400);", "not '1e400', at position 7"),
        ("(a:1,b:1e99999999999999999999);", "finite number, not '1e99999999999999999999'"),
        ("(a,b:1);", "no length at position 1"),
        ("(a:1\n,b);", r"no length at position 6 \(line 2\)"),
        ("(a:1,b:-1);", "must be positive. Received: -1 at position 5"),
        ("((a:1,b:1):0,c:1);", "must be positive. Received: 0 at position 1"),
        ("(a:1(b:1));", "opens after a finished branch.* at position 4"),
        ("a(b:1);", "opens after a finished branch.* at position 1"),
        ("(a:1,'b:1);", "quote is not closed at position 5"),
        ("(a:1,b[:1);", "comment is not closed; it begins at position 6"),
        ("(a:1,b]:1);", "comment ends that was not begun at position 6"),
    ],
)
def test_malformed(text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_wrong_type():
    with pytest.raises(TypeError, match="`text` must be a string. Received: bytes"):
        read(b"(a:1,b:1);")


@FAST
@given(st.text("(),:;[]' ab1.e-", max_size=30), st.booleans(), st.booleans())
def test_any_text_gives_a_tree_or_an_error(text, rescale, resolve):
    try:
        tree = read(text, rescale=rescale, resolve=resolve)
    except ValueError:
        return
    assert isinstance(tree, Phylogeny)
    assert not math.isnan(tree.time.sum())


PROGRAMS = {
    "six digits, as ete4": "{:.6g}",
    "%f": "{:f}",
    "ten digits, as ape": "{:.10g}",
    "all digits": "{!r}",
}


def printed(tree, form, height):
    """Newick text with lengths in one format, by recursion over the leaves below."""

    def branch(v):
        length = form.format(float(tree.edge_lengths[v] * height))
        if v < tree.num_leaves:
            return f"leaf{v}:{length}"
        return "(" + ",".join(map(branch, tree.children[v])) + f"):{length}"

    return "(" + ",".join(map(branch, tree.children[tree.root])) + ");"


@pytest.mark.parametrize("form", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("height", [1.0, 0.37, 2e6])
def test_lengths_as_programs_print_them(form, height):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        tree = Phylogeny(*tmc.random_tree(rng, int(rng.integers(3, 120))))
        tree = tree.with_names([f"leaf{n}" for n in range(tree.num_leaves)])
        text = printed(tree, form, height)
        if ":0.000000" in text:
            with pytest.raises(ValueError, match="few digits"):
                read(text, tree.names, rescale=True)
        options = dict(resolve=":0.000000" in text)
        for found in [read(text, tree.names, rescale=True, **options)] + (
            [read(text, tree.names, **options)] if height == 1 else []
        ):
            np.testing.assert_allclose(found.lca_times(), tree.lca_times(), rtol=0, atol=2e-4)
            assert options["resolve"] or found.same_topology(tree)


def test_tolerance():
    text = "((a:0.5,b:0.50009):0.5,c:1);"
    expected = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], ["a", "b", "c"])
    assert read(text) == expected
    near = read(text, rescale=True).lca_times()
    np.testing.assert_allclose(near, expected.lca_times(), rtol=1e-4)
    for rescale in (False, True):
        with pytest.raises(ValueError, match="up to 0.0001 of it.*larger `tolerance`"):
            read("((a:0.5,b:0.5002):0.5,c:1);", rescale=rescale)
        with pytest.raises(ValueError, match="up to 1e-06 of it"):
            read(text, rescale=rescale, tolerance=1e-6)
        assert read("((a:0.5,b:0.52):0.5,c:1);", rescale=rescale, tolerance=0.1).num_leaves == 3
    assert read("(a:1.05,b:1);", tolerance=0.06) == read("(a:1,b:1);")
    with pytest.raises(ValueError, match="distance 1 from the root. Received: 1.05"):
        read("(a:1.05,b:1.05);", tolerance=0.01)
    for wrong in (-1e-9, 1.0, math.nan, "1"):
        with pytest.raises(ValueError, match="`tolerance` must be a number in"):
            read(text, tolerance=wrong)


def test_a_node_that_rounding_puts_beyond_the_leaves():
    """It stays before its own leaves: times are then stretched to the deepest leaf."""
    tree = read("((a:0.00001,b:0.00001):1.00005,c:1);")
    assert 0.9999 < tree.lca_times()[0, 1] < 1
    root = read("((a:0.00001,b:0.00001):0.50005,c:0.5):0.5;")
    assert root.root_time == 0.5
    assert 0.9999 < root.lca_times()[0, 1] < 1


def test_double_quotes():
    expected = Phylogeny([3, 3, 4, 4, -1], [1, 1, 1, 0.5, 0], ["it's", 'a "b", (c)', "d"])
    assert read("""(("it's":0.5,"a ""b"", (c)":0.5)"x;":0.5,"d":1);""") == expected
    assert read(expected.to_newick(), names=expected.names) == expected
    assert read("""(5"UTR:1,'"':1);""").names == ('5"UTR', '"')
    with pytest.raises(ValueError, match="quote is not closed at position 5"):
        read('(a:1,"b:1);')


@pytest.mark.parametrize(
    "text",
    [
        "(a:1,b:1);" + "x" * 10**6,
        "(a " + "x" * 10**6 + ":1,b:1);",
        "(a:1 " + "x" * 10**6 + ",b:1);",
        "(a:" + "x" * 10**6 + ",b:1);",
        "(a:-" + "1" * 10**5 + "." + "1" * 10**6 + ",b:1);",
        "(a:-0." + "1" * 10**6 + ",b:1);",
        "('" + "x" * 10**6 + "':1,'" + "x" * 10**6 + "':1);",
        "('" + "x" * 10**6,
        "((a:1,b:1):1,c:" + "9" * 10**6 + ");",
    ],
)
def test_errors_do_not_repeat_long_input(text):
    with pytest.raises(ValueError) as caught:
        read(text)
    assert len(str(caught.value)) < 500
    assert caught.value.__cause__ is None


def test_errors_about_names_do_not_repeat_long_ones():
    long = "x" * 10**6
    text = f"('{long}':1,b:1);"
    tree = read(text)
    for call in (
        lambda: read(text, names=["a", "b"]),
        lambda: tree.leaf("y" * 10**6),
        lambda: tree.with_names([long, long]),
        lambda: tree.with_names([[long], long]),
        lambda: tree.slice(long),
        lambda: tree.cut(10**5000),
        lambda: tree.leaves_below([0] * 10**4),
        lambda: tree.attach(0, 0.5, leaves=[1] * 10**4),
    ):
        with pytest.raises((ValueError, KeyError)) as caught:
            call()
        assert len(str(caught.value)) < 600
