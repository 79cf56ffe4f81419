"""The papers' numbers: complete, and shown only beside what they speak of."""

import numpy as np

from tfsp.evaluation import beside_paper, format_beside_paper, paper_numbers, papers

PRIORS = {"none", "normal", "vamp", "dvae#", "flow", "loracs"}


def test_tables_are_whole():
    assert set(papers.TABLE_1) == set(papers.TABLE_B3) == set(papers.TABLE_B4) == PRIORS
    assert set(papers.TABLE_2) == PRIORS - {"none", "dvae#"}
    for table, labels in ((papers.TABLE_B3, papers.B3_LABELS), (papers.TABLE_B4, papers.B4_LABELS)):
        values = np.array(list(table.values()))
        assert values.shape == (6, 2, len(labels))
        assert ((values >= 0) & (values < 1)).all()
        # More labels help, but for noise of the size of the deviations.
        assert (np.diff(values[:, 0]) > -0.005).all()
    # The paper's claim: LORACs retrieves best, the flow has the best likelihood.
    assert max(papers.TABLE_1, key=lambda prior: papers.TABLE_1[prior][0]) == "loracs"
    assert max(papers.TABLE_2, key=lambda prior: papers.TABLE_2[prior][1]) == "flow"


def test_paper_numbers_by_name():
    mnist = paper_numbers("mnist", "loracs", num_points=200)
    assert mnist["retrieval_auc"] == (0.626, "1")
    assert mnist["log_p"] == (-83.401, "2")
    assert mnist["few_shot_1"] == (0.670, "B.3")
    assert mnist["few_shot_100_sd"] == (0.003, "B.3")
    assert mnist["labelled_points"] == (0.9428, "B.5")
    assert "labelled_points" not in paper_numbers("mnist", "loracs", num_points=300)
    omniglot = paper_numbers("omniglot", "flow")
    assert omniglot["few_shot_15"] == (0.237, "B.4")
    assert omniglot["log_p"] == (-86.298, "2")
    assert "log_p" not in paper_numbers("mnist", "none")
    assert paper_numbers("digits", "normal") == {}
    assert paper_numbers("mnist", "mixture") == {}


def row(**changes):
    base = dict(data="mnist", num_classes=10, split="standard", prior="vamp")
    return base | dict(retrieval_auc=0.4, few_shot_10=0.8, few_shot_10_sd=0.03, elbo=-9.0) | changes


def test_only_what_both_have_is_shown():
    first, second = beside_paper(row())
    assert first["measure"] == "retrieval_auc"
    assert (first["ours"], first["paper"], first["ours_sd"]) == (0.4, 0.502, None)
    assert second == {
        "data": "mnist",
        "prior": "vamp",
        "measure": "few_shot_10",
        "ours": 0.8,
        "ours_sd": 0.03,
        "paper": 0.849,
        "paper_sd": 0.035,
        "table": "B.3",
    }
    text = format_beside_paper([row(), row(prior="flow", log_p=-90.0)])
    assert text.startswith("Beside the paper's:")
    assert "-80.121" in text
    assert "smaller budget" in text
    assert len([line for line in text.splitlines() if line.startswith("mnist")]) == 5


def test_other_data_are_not_compared():
    assert beside_paper(row(num_classes=2)) == []  # MNIST-01
    assert beside_paper(row(data="digits")) == []
    omniglot = row(data="omniglot", num_classes=1623, few_shot_2=0.1)
    assert beside_paper(omniglot) == []  # other alphabets in the test part
    assert [r["measure"] for r in beside_paper(omniglot | {"split": "burda"})] == [
        "retrieval_auc",
        "few_shot_2",
        "few_shot_10",
    ]
    assert format_beside_paper([row(prior="mixture")]) == ""


def test_a_prior_of_another_latent_is_not_compared():
    assert beside_paper(row(model="vae")) == beside_paper(row())
    assert beside_paper(row(model="hierarchical_vae")) == []
    assert beside_paper(row(model="cp_vae", prior="normal")) == []


def test_accuracy_of_cp_vae():
    found = dict(model="cp_vae", prior="normal", clusters_accuracy=0.9)
    (line,) = beside_paper(row(**found, clusters_num_categories=10))
    assert (line["measure"], line["ours"]) == ("clusters_accuracy", 0.9)
    assert (line["paper"], line["table"]) == (0.946, "CP-VAE, 5.2")
    assert beside_paper(row(**found, clusters_num_categories=150)) == []
    assert beside_paper(row(**found, clusters_num_categories=10, num_classes=2)) == []
    text = format_beside_paper([row(**found, clusters_num_categories=10)])
    assert "Lavda" in text
    assert "Vikram" not in text
    both = format_beside_paper([row(), row(**found, clusters_num_categories=10)])
    assert "Lavda" in both
    assert "Vikram" in both
