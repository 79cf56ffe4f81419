"""The shared look: no global state touched, colours told apart, files of the right size."""

import ast
import itertools
import pathlib
import tomllib

import matplotlib
import matplotlib.image
import numpy as np
import pytest

from tfsp import viz
from tfsp.viz import style

IMAGES = np.random.default_rng(0).uniform(size=(6, 8, 8, 1))
CODES = np.random.default_rng(1).normal(size=(20, 3))
TREE = ([3, 3, 4, 4, -1], [1.0, 1.0, 1.0, 0.4, 0.0])
HISTORY = {"elbo": [-3.0, -2.0, -1.5], "val_elbo": [-3.1, -2.2, -1.9], "learning_rate": [1e-3] * 3}


def decode(z):
    return np.broadcast_to(np.abs(np.tanh(z[:, :1, None, None])), (len(z), 8, 8, 1))


CURVE = (np.linspace(0, 1, 5), np.linspace(1, 0.2, 5))
SHOTS = ([1, 10], [0.4, 0.8], [0.05, 0.02])
LEAVES = CODES[:3]

POINTS = CODES[:, :2]

ANSWERED = {"answers": 10, "purity": 0.8, "error": 0.02}
CALIBRATED = {"stated": 0.3, "true": 0.4, "error": 0.1}
PICTURES = {
    "answer_curves": lambda: viz.answer_curves({"a": [ANSWERED]}, title="Answers"),
    "calibration_curve": lambda: viz.calibration_curve({"a": [CALIBRATED]}, title="Support"),
    "category_usage": lambda: viz.category_usage([0.5, 0.3, 0.195, 0.005]),
    "histograms": lambda: viz.histograms(CODES[:, 0], {"a": CODES[:, 1], "b": 2 * CODES[:, 2]}),
    "samples_per_category": lambda: viz.samples_per_category(IMAGES.reshape(2, 3, 8, 8, 1), [3, 1]),
    "class_magnitudes": lambda: viz.class_magnitudes(CODES, np.arange(20) % 2, decode, title="By"),
    "distribution_grid": lambda: viz.distribution_grid({"a": POINTS}, {"a": {"b": CODES[:, 1:]}}),
    "level_traversals": lambda: viz.level_traversals(decode, CODES, [1, 2], steps=4, title="Level"),
    "gate_curves": lambda: viz.gate_curves({"gate_2_1": [0.5, 0.9], "gate_3_1": [0.5, 0.1]}),
    "latent_graph": lambda: viz.latent_graph(np.tri(4, k=-1) * 0.9, [1, 2, 0.1, 4], title="Graph"),
    "gibbs_chains": lambda: viz.gibbs_chains(IMAGES.reshape(3, 2, 1, 8, 8, 1)),
    "samples_beside": lambda: viz.samples_beside({"a": IMAGES, "b": IMAGES}, rows=2, columns=3),
    "mapping_planes": lambda: viz.mapping_planes(np.tanh, num_points=300, title="Map"),
    "few_shot_curves": lambda: viz.few_shot_curves({"model": SHOTS}, title="Few labels"),
    "inducing_points": lambda: viz.inducing_points(IMAGES[:3], TREE, title="Inducing points"),
    "latent_tree": lambda: viz.latent_tree(CODES, TREE, LEAVES, method="pca", title="Map"),
    "retrieval_curves": lambda: viz.retrieval_curves({"model": CURVE}, title="Retrieval"),
    "slices": lambda: viz.slices(TREE, LEAVES, decode, title="Slices"),
    "subtree": lambda: viz.subtree(TREE, 3, labels=[0, 0, 1], leaf_images=IMAGES[:3]),
    "subtree_samples": lambda: viz.subtree_samples([IMAGES], [IMAGES[:2]], ["row"], title="Rows"),
    "image_grid": lambda: viz.image_grid(IMAGES, title="Digits"),
    "reconstructions": lambda: viz.reconstructions(IMAGES, IMAGES, columns=4),
    "prior_samples": lambda: viz.prior_samples(IMAGES),
    "latent_map": lambda: viz.latent_map(CODES, np.arange(20) % 3, method="pca", title="Codes"),
    "scatter_2d": lambda: viz.scatter_2d(CODES[:, :2], CODES[:, 1:]),
    "training_curves": lambda: viz.training_curves(HISTORY, title="Run"),
    "traversal_grid": lambda: viz.traversal_grid(decode, grid_size=3),
    "traversal_rows": lambda: viz.traversal_rows(decode, CODES[:2], steps=3),
    "tree": lambda: viz.tree(TREE, [0, 0, 1], leaf_images=IMAGES[:3], title="Tree"),
}


def is_figure(name):
    others = ("decoder_mean", "disjoint_subtrees", "hierarchy_pictures", "largest_subtree")
    return name not in (*others, "paper_style", "projector", "save", "tile")


def test_every_picture_is_covered_here():
    assert set(PICTURES) == set(filter(is_figure, viz.__all__))
    assert viz.__all__ == sorted(viz.__all__)


@pytest.mark.parametrize("name", PICTURES)
def test_picture(name, tmp_path):
    """Global state, size, paper at the edges; and the same picture whatever the caller's settings.

    Two renders: one made under the plain settings and saved by the helper under others, one made
    and saved, without the helper, under others again. They agree if none of these has a say.
    """
    from matplotlib import pyplot

    pyplot.close("all")
    before = dict(matplotlib.rcParams)
    figure = PICTURES[name]()
    assert type(figure) is matplotlib.figure.Figure
    assert_inside(figure)
    with matplotlib.rc_context({"font.size": 6, "axes.linewidth": 2, "savefig.bbox": "tight"}):
        path = viz.save(figure, tmp_path / "a" / "b" / "figure.png")
    with matplotlib.rc_context({"font.size": 20, "xtick.labelsize": 20, "axes.linewidth": 5}):
        PICTURES[name]().savefig(tmp_path / "other.png")
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before
    picture, other = (matplotlib.image.imread(p) for p in (path, tmp_path / "other.png"))
    np.testing.assert_array_equal(picture, other)
    width, height = figure.get_size_inches() * 200
    assert picture.shape[:2] == (round(height), round(width))
    assert picture[..., :3].std() > 0.02
    # Nothing runs over the edge: the outermost pixels are paper.
    for edge in (picture[0], picture[-1], picture[:, 0], picture[:, -1]):
        np.testing.assert_array_equal(edge, 1.0)


def assert_inside(figure):
    """What is drawn fills the figure, and does not run over it."""
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert 0 <= box.x0 < box.x1 <= width
    assert 0 <= box.y0 < box.y1 <= height
    assert box.width > 0.9 * width
    assert box.height > 0.8 * height


def test_paper_is_laid_around_what_is_drawn():
    """Axes keep their size and stand on whole pixels; nothing is cut, nothing is left empty."""
    with viz.paper_style():
        figure = style.new_figure(1, 1)
        boxes = [(0, 0, 101, 53), (-40, -300, 37, 211)]
        for box in boxes:
            style.strip_axes(style.place(figure.add_axes((0, 0, 1, 1)), *box))
        figure.axes[0].set_title("A title that is wider than the paper is now")
        figure.axes[1].text(-2, 0.5, "words to the left", clip_on=False)
        style.fit(figure)
    first, second = (axes.bbox.bounds for axes in figure.axes)
    np.testing.assert_allclose(np.subtract(first, second), np.subtract(*boxes), atol=1e-6)
    np.testing.assert_allclose(first, np.round(first), atol=1e-6)
    np.testing.assert_allclose(first[2:], boxes[0][2:], atol=1e-6)
    drawn = figure.get_tightbbox(figure.canvas.get_renderer()).get_points() * style.DPI
    margins = [drawn[0], figure.bbox.size - drawn[1]]
    assert style.EDGE - 1 <= np.min(margins) <= np.max(margins) <= style.EDGE + 1


@pytest.mark.parametrize(
    ("suffix", "start"), [("pdf", b"%PDF"), ("svg", b"<?xml"), ("PNG", b"\x89PNG")]
)
def test_save_writes_the_format_of_the_suffix(suffix, start, tmp_path):
    path = tmp_path / "new" / f"figure.{suffix}"
    assert viz.save(PICTURES["training_curves"](), str(path)) == path
    content = path.read_bytes()
    assert content.startswith(start)
    assert len(content) > 2000


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_the_same_picture_gives_the_same_bytes(suffix, tmp_path):
    paths = [tmp_path / f"{i}.{suffix}" for i in range(2)]
    for path in paths:
        viz.save(PICTURES["latent_map"](), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("name", ["figure.jpg", "figure", "figure.png.gz"])
def test_save_refuses_other_suffixes(name, tmp_path):
    with pytest.raises(ValueError, match=r"one of \.png, \.pdf, \.svg"):
        viz.save(PICTURES["image_grid"](), tmp_path / "folder" / name)
    assert not (tmp_path / "folder").exists()


def test_save_wants_a_figure(tmp_path):
    with pytest.raises(TypeError, match=r"matplotlib\.figure\.Figure.*ndarray"):
        viz.save(IMAGES, tmp_path / "figure.png")


def test_the_style_file_is_shipped_and_agrees_with_the_constants():
    path = pathlib.Path(style.__file__).with_name("tfsp.mplstyle")
    packaged = tomllib.loads((pathlib.Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert path.name in packaged["tool"]["setuptools"]["package-data"]["tfsp.viz"]
    with viz.paper_style():
        found = dict(matplotlib.rcParams)
    assert found["figure.dpi"] == style.DPI
    assert found["xtick.labelsize"] == found["ytick.labelsize"] == style.TICK_SIZE
    for name in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"):
        assert matplotlib.colors.same_color(found[name], style.INK)
    assert found["font.size"] == 8


def _to_lab(color, simulation):
    """CIE L*a*b* of a hex colour as seen with a colour blindness, a matrix on linear RGB."""
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(simulation @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ linear / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Machado, Oliveira & Fernandes 2009, severity 1.
SIMULATIONS = {
    "none": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protanopia": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.052]],
    "deuteranopia": [[0.3673, 0.8606, -0.228], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritanopia": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


@pytest.mark.parametrize("name", SIMULATIONS)
def test_palette_is_safe_for_colour_blind_readers(name):
    seen = [_to_lab(color, np.array(SIMULATIONS[name])) for color in style.PALETTE]
    assert len(set(style.PALETTE)) == 10
    # A difference of 2 is just noticeable side by side; matplotlib's "tab10" has pairs below 8.
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


def test_viz_imports_nothing_above_it_and_loads_matplotlib_late():
    files = sorted(pathlib.Path(style.__file__).parent.rglob("*.py"))
    assert len(files) > 5
    allowed = {"PIL", "matplotlib", "numpy", "scipy", "sklearn", "tensorflow", "threadpoolctl"}
    standard = {"collections", "dataclasses", "functools", "math", "os", "pathlib", "re", "typing"}
    lower = ("arguments", "atomic", "data", "history_file", "neighbours", "random", "subset")
    lower += ("tmc", "viz")
    for file in files:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"tfsp.{alias.name}" for alias in node.names]
                modules = names if node.module == "tfsp" else [node.module]
            else:
                continue
            for module in modules:
                package, *rest = module.split(".")
                assert package in allowed | standard or (package == "tfsp" and rest[0] in lower)
                assert module != "matplotlib.pyplot"
                if module.split(".")[0] in ("PIL", "matplotlib", "scipy", "sklearn"):
                    assert node not in tree.body, f"{file.name} imports {module} at the top"
