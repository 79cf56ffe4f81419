"""Lines, order, colours, images and errors of the pictures of trees."""

import matplotlib.colors
import matplotlib.image
import numpy as np
import pytest

from tfsp import viz
from tfsp.tmc import Phylogeny
from tfsp.viz import style
from tfsp.viz.trees import tree_images, trees

# ((0, 1) at 0.6, (2, (3, 4) at 0.8) at 0.3) below the root, 8.
PARENT = [5, 5, 7, 6, 6, 8, 7, 8, -1]
TIME = [1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.8, 0.3, 0.0]
MIXED = trees._MIXED
BLUE, ORANGE, RED = style.PALETTE[:3]


def cross(a, b):
    """The third coordinate of the cross product of two vectors in the plane."""
    return a[0] * b[1] - a[1] * b[0]


def random_tree(count, seed=0):
    rng = np.random.default_rng(seed)
    parent, lineages = np.full(2 * count - 1, -1), list(range(count))
    for node in range(count, 2 * count - 1):
        for _ in range(2):
            parent[lineages.pop(rng.integers(len(lineages)))] = node
        lineages.append(node)
    time = np.ones(2 * count - 1)
    time[count:] = np.sort(rng.uniform(0.01, 0.99, count - 1))[::-1]
    time[-1] = 0
    return parent, time


def branches(figure):
    """The polyline of every branch, rounded, and its colour."""
    lines = figure.axes[0].collections[0]
    colors = [matplotlib.colors.to_hex(c) for c in lines.get_colors()]
    points = [tuple(map(tuple, np.round(s, 9).tolist())) for s in lines.get_segments()]
    return dict(zip(points, colors, strict=True))


def leaf_points(figure):
    """Offsets and colours of the leaves' marks, by leaf."""
    (marks,) = [c for c in figure.axes[0].collections if len(c.get_offsets()) > 1]
    return marks.get_offsets(), [matplotlib.colors.to_hex(c) for c in marks.get_facecolors()]


def test_branches_stand_where_the_times_are():
    expected = {  # by hand: across at the parent's time, then along the branch
        ((0, 1.625), (0, 0.5), (0.6, 0.5)): BLUE,
        ((0, 1.625), (0, 2.75), (0.3, 2.75)): MIXED,
        ((0.6, 0.5), (0.6, 0), (1, 0)): BLUE,
        ((0.6, 0.5), (0.6, 1), (1, 1)): BLUE,
        ((0.3, 2.75), (0.3, 2), (1, 2)): RED,
        ((0.3, 2.75), (0.3, 3.5), (0.8, 3.5)): ORANGE,
        ((0.8, 3.5), (0.8, 3), (1, 3)): ORANGE,
        ((0.8, 3.5), (0.8, 4), (1, 4)): ORANGE,
    }
    figure = viz.tree((PARENT, TIME), ["a", "a", "c", "b", "b"])
    assert branches(figure) == expected
    down = viz.tree((PARENT, TIME), ["a", "a", "c", "b", "b"], orientation="down")
    swapped = {tuple((y, x) for x, y in points): color for points, color in expected.items()}
    assert branches(down) == swapped
    offsets, colors = leaf_points(figure)
    np.testing.assert_allclose(offsets, [[1, 0], [1, 1], [1, 2], [1, 3], [1, 4]])
    assert colors == [BLUE, BLUE, RED, ORANGE, ORANGE]


@pytest.mark.parametrize(("orientation", "axis"), [("right", "x"), ("down", "y")])
@pytest.mark.parametrize("power", [1.0, 0.5])
def test_the_time_axis_runs_from_root_to_leaves(orientation, axis, power):
    figure = viz.tree((PARENT, TIME), orientation=orientation, time_power=power)
    axes = figure.axes[0]
    low, high = getattr(axes, f"get_{axis}lim")()
    assert sorted((low, high)) == [0, 1]
    assert getattr(axes, f"get_{axis}label")() == "time"
    ticks = getattr(axes, f"get_{axis}ticks")()
    times = [float(t.get_text()) for t in getattr(axes, f"get_{axis}ticklabels")()]
    assert times[0] == 0
    assert times[-1] == 1
    assert len(times) >= 4
    np.testing.assert_allclose(ticks, 1 - (1 - np.array(times)) ** power, atol=1e-12)
    column = 0 if axis == "x" else 1
    drawn = {points[-1][column] for points in branches(figure)}
    np.testing.assert_allclose(
        sorted(drawn), sorted({round(1 - (1 - t) ** power, 9) for t in TIME[:-1]}), atol=1e-8
    )


def test_the_circle_keeps_times_as_radii():
    figure = viz.tree((PARENT, TIME), orientation="circle")
    for points in branches(figure):
        radius = np.linalg.norm(points, axis=1)
        np.testing.assert_allclose(radius[:-1], radius[0], atol=1e-8)  # an arc
        assert min(abs(np.array(TIME) - radius[-1])) < 1e-8
        np.testing.assert_allclose(cross(points[-2], points[-1]), 0, atol=1e-8)  # a ray
    offsets, _ = leaf_points(figure)
    np.testing.assert_allclose(np.linalg.norm(offsets, axis=1), 1)
    turn = np.diff(np.unwrap(np.arctan2(offsets[:, 1], offsets[:, 0])))
    np.testing.assert_allclose(turn, turn[0])
    assert -2 * np.pi < turn.sum() < 0  # clockwise, once
    assert figure.axes[0].get_aspect() == 1.0


@pytest.mark.parametrize("count", [2, 3, 17, 80])
def test_no_branches_cross(count):
    """The leaves below every node stand side by side, the smaller subtree first."""
    parent, time = random_tree(count)
    offsets, _ = leaf_points(viz.tree((parent, time)))
    np.testing.assert_array_equal(np.sort(offsets[:, 1]), np.arange(count))
    below = [{n} for n in range(count)] + [set() for _ in range(count - 1)]
    for node in np.argsort(-time, kind="stable").tolist():
        if parent[node] >= 0:
            below[parent[node]] |= below[node]
    for node in range(2 * count - 1):
        places = offsets[sorted(below[node]), 1]
        assert np.ptp(places) == len(places) - 1
        if node >= count:
            first, second = sorted(
                np.flatnonzero(parent == node), key=lambda v: offsets[sorted(below[v]), 1].min()
            )
            assert len(below[first]) <= len(below[second])


def test_equal_trees_look_alike():
    parent, time = random_tree(20)
    new = np.arange(39)
    new[20:] = 20 + np.random.default_rng(1).permutation(19)
    other_parent, other_time = np.full(39, -1), np.ones(39)
    other_parent[new] = np.where(parent >= 0, new[parent], -1)
    other_time[new] = time
    assert not np.array_equal(parent, other_parent)
    labels = np.arange(20) % 3
    first = viz.tree((parent, time), labels)
    second = viz.tree((other_parent, other_time), labels)
    assert branches(first) == branches(second)


def test_what_may_be_given():
    class Sampled:
        parent, time, log_joint = PARENT, TIME, -3.0

    plain = branches(viz.tree((PARENT, TIME)))
    assert set(plain.values()) == {MIXED}
    for value in (Phylogeny(PARENT, TIME), Sampled(), [np.array(PARENT), np.array(TIME)]):
        assert branches(viz.tree(value)) == plain
    part = Phylogeny(PARENT, TIME).subtree(7)
    assert ((0.3, 0.75), (0.3, 0), (1, 0)) in branches(viz.tree(part))


def test_one_leaf_and_two():
    viz.tree(([-1], [1.0]), ["a"]).canvas.draw()
    for orientation in ("right", "down", "circle"):
        figure = viz.tree(([2, 2, -1], [1.0, 1.0, 0.0]), [0, 0], orientation=orientation)
        assert set(branches(figure).values()) == {BLUE}


def texts(figure):
    return [t.get_text() for t in figure.axes[0].texts]


def test_names_or_numbers_of_few_leaves():
    named = Phylogeny(PARENT, TIME, names=list("vwxyz"))
    figure = viz.tree(named)
    assert texts(figure) == list("vwxyz")
    assert texts(viz.tree((PARENT, TIME))) == list("01234")
    assert texts(viz.tree(named, max_leaf_text=4)) == []
    assert texts(viz.tree(named, leaf_images=np.zeros((5, 4, 4, 1)))) == []
    for text, x in zip(figure.axes[0].texts, range(5), strict=True):
        assert text.xy == (1, x)


@pytest.mark.parametrize("orientation", ["right", "down", "circle"])
@pytest.mark.parametrize("title", [None, "A title that is wider than a tree of three leaves is"])
@pytest.mark.parametrize("drawn", ["names", "images", "nothing"])
def test_everything_lies_inside_and_beside_one_another(orientation, title, drawn):
    parent, time = random_tree(3)
    figure = viz.tree(
        Phylogeny(parent, time, ["a", "a long name of a leaf", "b"]),
        [f"class {i}" for i in range(3)],
        leaf_images=np.ones((3, 28, 20, 3)) * 0.3 if drawn == "images" else None,
        max_leaf_text=3 if drawn == "names" else 0,
        orientation=orientation,
        title=title,
    )
    figure.canvas.draw()
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert 0 <= box.x0 < box.x1 <= width
    assert 0 <= box.y0 < box.y1 <= height
    legend = figure.legends[0].get_window_extent()
    beyond = [t.get_window_extent() for t in figure.axes[0].texts]
    for other in [*beyond, *(axes.bbox for axes in figure.axes[1:])]:
        assert other.x1 < legend.x0


def test_branches_are_as_opaque_as_their_clades_are_supported():
    support = [1, 1, 1, 1, 1, 0.5, 0.0, np.nan, 1]
    tree = Phylogeny(PARENT, TIME, support=support)
    figure = viz.tree(tree, ["a", "a", "c", "b", "b"])
    lines = figure.axes[0].collections[0]
    found = {
        tuple(np.round(points[-1], 9)): color[3]
        for points, color in zip(lines.get_segments(), lines.get_colors(), strict=True)
    }
    assert found[(0.6, 0.5)] == pytest.approx(0.6)
    assert found[(0.8, 3.5)] == pytest.approx(0.2)
    assert found[(0.3, 2.75)] == found[(1, 0)] == 1
    text = [t.get_text() for t in figure.legends[0].get_texts()]
    assert text == ["a", "b", "c", "support 1", "support 0.5", "support 0"]
    alphas = [line.get_alpha() for line in figure.legends[0].legend_handles[3:]]
    np.testing.assert_allclose(alphas, [1.0, 0.6, 0.2])
    (alone,) = viz.tree(tree).legends
    assert len(alone.get_texts()) == 3


def test_legend_and_classes():
    figure = viz.tree((PARENT, TIME), [1, 1, 0, 2, 2], ["zero", "one", "two"])
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["zero", "one", "two"]
    assert [h.get_color() for h in legend.legend_handles] == [BLUE, ORANGE, RED]
    assert leaf_points(figure)[1] == [ORANGE, ORANGE, BLUE, RED, RED]
    assert not viz.tree((PARENT, TIME)).legends
    parent, time = random_tree(24)
    figure = viz.tree((parent, time), np.arange(24) % 12)  # the palette runs out: other marks
    counts = sorted(len(c.get_offsets()) for c in figure.axes[0].collections[1:])
    assert counts == [4, 20]


def read_png(figure, tmp_path):
    return matplotlib.image.imread(viz.save(figure, tmp_path / "tree.png"))[..., :3]


@pytest.mark.slow
@pytest.mark.parametrize("orientation", ["right", "down", "circle"])
@pytest.mark.parametrize("count", [5, 90])
def test_every_image_is_on_the_page_pixel_by_pixel(orientation, count, tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, 14, 10, 3)) / 255
    labels = np.arange(count) % 4
    figure = viz.tree(
        random_tree(count), labels, leaf_images=images, orientation=orientation, time_power=0.5
    )
    page = read_png(figure, tmp_path)
    axes, canvas = figure.axes
    tips = axes.transData.transform(leaf_points(figure)[0])
    scale = 2 if count == 90 and orientation == "down" else 4  # the page is narrower than high
    height, width = 14 * scale, 10 * scale
    taken = np.zeros(page.shape[:2], int)
    for leaf in range(count):
        picture = np.repeat(np.repeat(images[leaf], scale, 0), scale, 1)
        found = []
        corner = np.abs(page[: 1 - height, : 1 - width] - picture[0, 0]).max(-1) < 2e-3
        for y, x in np.argwhere(corner):
            window = page[y : y + height, x : x + width]
            if np.abs(window - picture).max() < 2e-3:
                found.append((y, x))
        ((y, x),) = found  # once
        taken[y : y + height, x : x + width] += 1
        frame = matplotlib.colors.to_rgb(style.PALETTE[labels[leaf]])
        for pixel in (page[y - 1, x], page[y + height, x], page[y, x - 1], page[y, x + width]):
            np.testing.assert_allclose(pixel, frame, atol=3e-3)
        middle = np.array([x + width / 2, page.shape[0] - y - height / 2])
        outward = {"right": [1, 0], "down": [0, -1]}.get(orientation)
        if outward is None:
            outward = tips[leaf] - axes.transData.transform([0, 0])
            outward = outward / np.linalg.norm(outward)
        away = middle - tips[leaf]
        assert away @ outward > 0
        assert abs(cross(away, outward)) < 1.5  # straight beyond its leaf
    assert taken.max() == 1
    assert canvas.images[0].get_array().shape[2] == 4


def test_of_many_leaves_every_kth_has_an_image():
    assert tree_images._MOST == 240
    count = 250
    figure = viz.tree(random_tree(count), leaf_images=np.ones((count, 28, 28, 1)))
    canvas = np.asarray(figure.axes[1].images[0].get_array())
    assert (canvas[..., 3] == 1).sum() == 125 * 28 * 28
    assert leaf_points(figure)[0].shape == (count, 2)
    figure.canvas.draw()
    assert figure.get_size_inches()[1] < 9


def test_large_images_are_averaged():
    images = np.random.default_rng(0).uniform(size=(2, 90, 120, 3))
    small = tree_images.resize(images, 60)
    assert small.shape == (2, 45, 60, 3)
    expected = images.reshape(2, 45, 2, 60, 2, 3).mean((2, 4))
    np.testing.assert_allclose(small, expected, rtol=1e-6)  # averaged in float32
    np.testing.assert_allclose(tree_images.resize(np.ones((1, 101, 77, 1)), 60), 1.0, rtol=1e-6)
    # Of sizes that do not divide each pixel counts by the share of it that is covered.
    ramp = np.arange(7.0).reshape(1, 1, 7, 1) / 7
    found = tree_images.resize(ramp, 3)[0, 0, :, 0]
    np.testing.assert_allclose(found, [5 / 49, 3 / 7, 37 / 49], rtol=1e-6)


def test_thousands_of_leaves():
    for orientation in ("right", "circle"):
        figure = viz.tree(random_tree(3000), np.arange(3000) % 3, orientation=orientation)
        figure.canvas.draw()
        assert len(branches(figure)) == 5998
        assert max(figure.get_size_inches()) < 9


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"phylogeny": 3}, TypeError, "tfsp.tmc.Phylogeny.*parent, time.*int"),
        ({"phylogeny": (PARENT, TIME[:-1])}, ValueError, "`parent` and `time`.*same length"),
        ({"phylogeny": ([3, 3, 4, 4, 3], [1, 1, 1, 0.5, 0])}, ValueError, "-1 at one node"),
        ({"phylogeny": ([2, 2, -1], [1.0, 0.9, 0.0])}, ValueError, r"time\[1\] = 0.9"),
        ({"orientation": "left"}, ValueError, "right, down, circle.*'left'"),
        ({"labels": [0, 1]}, ValueError, r"\(5,\).*leaves.*labels.shape=\(2,\)"),
        ({"labels": np.linspace(0, 1, 5)}, ValueError, "must be classes.*5 different numbers"),
        ({"class_names": ["a"]}, ValueError, "needs `labels`"),
        ({"labels": [0, 0, 1, 1, 2], "class_names": ["a", "b"]}, ValueError, "none for 2"),
        ({"leaf_images": np.zeros((4, 8, 8, 1))}, ValueError, "one image per leaf, 5.*4 images"),
        ({"leaf_images": np.zeros((5, 8, 8))}, ValueError, r"`leaf_images`.*\[n, H, W, C\]"),
        ({"leaf_images": np.full((5, 8, 8, 1), 9)}, ValueError, r"`leaf_images`.*\[0, 1\]"),
        ({"time_power": 0}, ValueError, "time_power.*positive.*: 0"),
        ({"time_power": "1"}, ValueError, "time_power.*positive.*: '1'"),
        ({"max_leaf_text": -1}, ValueError, "max_leaf_text"),
        ({"max_leaf_text": 2.5}, ValueError, "max_leaf_text.*non-negative.*: 2.5"),
    ],
)
def test_errors(arguments, error, match):
    with pytest.raises(error, match=match):
        viz.tree(**{"phylogeny": (PARENT, TIME), **arguments})
