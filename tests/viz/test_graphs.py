"""Pictures of a learned graph and of its gates over epochs."""

import matplotlib.colors
import numpy as np
import pytest
from matplotlib import patches

from tfsp import viz
from tfsp.priors import LatentGraph
from tfsp.viz import style
from tfsp.viz.charts import graphs

MEANS = np.array([[0, 0, 0, 0], [0.9, 0, 0, 0], [0.3, 0.01, 0, 0], [1.0, 0.6, 0, 0]])
HISTORY = {
    "elbo": [1.0, 2.0, 3.0],
    "gate_2_1": [0.5, 0.7, 0.9],
    "gate_3_1": [0.5, 0.2, 0.1],
    "gate_3_2": [0.5, 0.5, 0.6],
    "temperature": [1.0, 0.9, 0.8],
}


def arrows(figure):
    return [p for p in figure.axes[0].patches if isinstance(p, patches.FancyArrowPatch)]


def circles(figure):
    return [p for p in figure.axes[0].patches if isinstance(p, patches.Circle)]


def colour(patch):
    return matplotlib.colors.to_hex(patch.get_edgecolor())


def test_edges_show_the_means_of_their_gates():
    figure = viz.latent_graph(LatentGraph(MEANS))
    found = arrows(figure)
    means = [0.9, 0.3, 1.0, 0.6]  # the fifth is as good as shut
    assert len(found) == 4
    assert np.all(np.argsort([a.get_linewidth() for a in found]) == np.argsort(means))
    assert np.all(np.argsort([a.get_alpha() for a in found]) == np.argsort(means))
    dashed = [a.get_linestyle() not in ("-", "solid") for a in found]
    assert dashed == [False, True, False, False]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["$z_{1}$", "$z_{2}$", "$z_{3}$", "$z_{4}$"]
    again = viz.latent_graph(MEANS)  # an array of means does as well
    assert [colour(a) for a in arrows(again)] == [colour(a) for a in found]


def test_arrows_run_from_parent_to_child():
    (arrow,) = arrows(viz.latent_graph(LatentGraph.named("chain", 2)))
    centres = [circle.center for circle in circles(viz.latent_graph(np.zeros((2, 2))))]
    assert centres[1][1] > centres[0][1]  # node N is on top
    start, end = arrow._posA_posB
    np.testing.assert_allclose(start, centres[1])
    np.testing.assert_allclose(end, centres[0])


def test_no_edge_passes_behind_a_node():
    for count in (3, 5, 8):
        figure = viz.latent_graph(LatentGraph.named("full", count))
        places = np.array([circle.center for circle in circles(figure)])
        (radius,) = {circle.radius for circle in circles(figure)}
        for i in range(count):
            for j in range(i):
                way = places[j] - places[i]
                for other in set(range(count)) - {i, j}:
                    share = np.clip((places[other] - places[i]) @ way / (way @ way), 0, 1)
                    distance = np.linalg.norm(places[i] + share * way - places[other])
                    assert distance > radius


def test_areas_of_nodes_are_their_kl():
    figure = viz.latent_graph(np.zeros((4, 4)), node_kl=[8.0, 2.0, 4.0, 0.0])
    sizes = np.array([circle.radius**2 for circle in circles(figure)])
    np.testing.assert_allclose(sizes[:3] / sizes[0], [1, 0.25, 0.5], rtol=1e-6)
    assert sizes[3] > 0.01
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[4:] == ["8.0 nats", "2.0 nats", "4.0 nats", "0.0 nats"]


def test_texts_stand_clear_of_nodes_and_of_each_other():
    for count in (1, 2, 5, 9, 20):
        kl = np.linspace(0, 30, count)
        figure = viz.latent_graph(LatentGraph.named("full", count), kl, title="All edges")
        renderer = figure.canvas.get_renderer()
        notes = [t for t in figure.axes[0].texts if "nats" in t.get_text()]
        assert len(notes) == count
        boxes = [note.get_window_extent(renderer) for note in notes]
        for k, box in enumerate(boxes):
            assert not any(box.overlaps(other) for other in boxes[:k])
            for circle in circles(figure):
                centre = figure.axes[0].transData.transform(circle.center)
                nearest = np.clip(centre, box.min, box.max)
                assert np.linalg.norm(nearest - centre) > circle.radius * style.DPI - 1


def test_many_nodes_fit():
    figure = viz.latent_graph(LatentGraph.named("chain", 80), np.ones(80))
    assert max(figure.get_size_inches()) < 8
    assert len(arrows(figure)) == 79
    assert not any("nats" in text.get_text() for text in figure.axes[0].texts)


def test_curves_share_colours_with_the_graph():
    (axes,) = viz.gate_curves(HISTORY, title="Gates").axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert list(lines) == ["2 → 1", "3 → 1", "3 → 2"]
    np.testing.assert_array_equal(lines["3 → 2"].get_xdata(), [1, 2, 3])
    np.testing.assert_array_equal(lines["3 → 2"].get_ydata(), HISTORY["gate_3_2"])
    graph = viz.latent_graph(LatentGraph.named("full", 3))
    expected = [colour(arrow) for arrow in arrows(graph)]
    assert [line.get_color() for line in lines.values()] == expected
    assert len(set(expected)) == 3
    assert axes.get_title() == "Gates"
    assert axes.get_ylim()[0] < 0 < 1 < axes.get_ylim()[1]


def test_ten_edges_have_ten_colours():
    looks = [graphs._look(i, j) for i in range(5) for j in range(i)]
    assert len({look["color"] for look in looks}) == 10
    more = [str(graphs._look(i, j)) for i in range(9) for j in range(i)]
    assert len(set(more)) == 36


def test_many_gates_have_no_legend():
    history = {f"gate_{i}_{j}": [0.5, 0.6] for i in range(1, 12) for j in range(1, i)}
    figure = viz.gate_curves(history)
    assert len(figure.axes[0].get_lines()) == 55
    assert not figure.legends
    assert viz.gate_curves(HISTORY).legends


def test_histories_from_a_file(tmp_path):
    rows = ["epoch,elbo,gate_2_1", "0,-3.0,0.5", "1,-2.0,0.75"]
    (tmp_path / "log.csv").write_text("\n".join(rows) + "\n")
    (axes,) = viz.gate_curves(tmp_path / "log.csv").axes
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), [0.5, 0.75])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: viz.gate_curves({"elbo": [1.0]}), "must hold the means of gates.*elbo"),
        (lambda: viz.gate_curves([1.0]), "must be a dict"),
        (lambda: viz.latent_graph(np.zeros((2, 3))), r"shape \[N, N\]"),
        (lambda: viz.latent_graph(np.zeros(3)), r"shape \[N, N\]"),
        (lambda: viz.latent_graph([[0, 0], [2.0, 0]]), "means of gates in"),
        (lambda: viz.latent_graph([[0, 1], [0, 0]]), "zero unless i > j"),
        (lambda: viz.latent_graph(MEANS, [1, 2]), r"`node_kl` must hold 4 .*\(2,\)"),
        (lambda: viz.latent_graph(MEANS, [1, 2, 3, -1]), "`node_kl` .*smallest -1"),
        (lambda: viz.latent_graph(MEANS, [1, 2, 3, np.nan]), "must be finite"),
    ],
)
def test_bad_input_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()
