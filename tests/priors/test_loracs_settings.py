"""LORACs: what its settings may be, and that a config holds them."""

import pytest

from tfsp import priors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_inducing": 1}, "`num_inducing` must be an integer of at least 2. Received: 1"),
        ({"num_inducing": 2.5}, "`num_inducing` must be an integer"),
        ({"num_inducing": True}, "`num_inducing` must be an integer"),
        ({"concentration1": 0.0}, "`concentration1` must be a positive number. Received: 0.0"),
        ({"concentration0": -1}, "`concentration0` must be a positive number"),
        ({"concentration0": float("nan")}, "`concentration0` must be a positive number"),
        ({"concentration0": float("inf")}, "`concentration0` must be a positive number"),
        ({"attachment": "exact"}, "`attachment` must be one of 'collapsed', 'recognition'.*exact"),
        ({"edge_weights": "posterior"}, "`edge_weights` must be one of 'prior', 'bayes'"),
        ({"inducing_points": "free"}, "`inducing_points` must be one of 'fixed', 'learned'"),
        ({"inducing_gradient": "both"}, "`inducing_gradient` must be one of 'path', 'score'"),
        ({"inducing_learning_rate": 0}, "`inducing_learning_rate` must be a positive number"),
        ({"inducing_start": "data"}, "`inducing_start` must be one of 'kmeans', 'examples', 'n"),
        ({"tree_start": "prior"}, "`tree_start` must be one of 'ward', 'near_zero'"),
        ({"start_epoch": -1}, "`start_epoch` must be a non-negative integer. Received: -1"),
        ({"start_epoch": 1.5}, "`start_epoch` must be a non-negative integer"),
        ({"burn_in": -1}, "`burn_in` must be a non-negative integer. Received: -1"),
        ({"burn_in": None}, "`burn_in` must be a non-negative integer"),
        ({"moves_per_step": 0.5}, "`moves_per_step` must be a non-negative integer"),
        ({"move_mixture": (1, 1)}, "`move_mixture` must hold four proportions"),
        ({"move_mixture": (0, 0, 0, 0)}, "`move_mixture` must hold four proportions"),
        (
            {"move_mixture": (-1, 1, 1, 1)},
            r"`move_mixture\[0\]` must be a non-negative number.*: -1",
        ),
        (
            {"move_mixture": (1, 1, 1, "1")},
            r"`move_mixture\[3\]` must be a non-negative number.*'1'",
        ),
        ({"move_mixture": 1}, "`move_mixture` must hold four proportions.*Received: 1"),
        ({"num_chains": 0}, "`num_chains` must be a positive integer. Received: 0"),
        ({"num_nodes": (0, 3)}, r"`num_nodes\[0\]` must be an integer from 1 to 256: .*: 0"),
        ({"num_nodes": None}, "`num_nodes` must be a list of integers: .*Received: None"),
        ({"num_nodes": (3, 3, 3)}, "`num_nodes` must hold two numbers of nodes"),
        (
            {"training_num_nodes": (24, 257)},
            r"`training_num_nodes\[1\]` must be .* 1 to 256.*: 257",
        ),
        ({"variance_floor": 0.0}, r"`variance_floor` must be a number in \(0, 1\).*: 0.0"),
        ({"variance_floor": 1.0}, r"`variance_floor` must be a number in \(0, 1\).*: 1.0"),
        ({"variance_floor": "x"}, r"`variance_floor` must be a number in \(0, 1\).*: 'x'"),
        ({"added_variance": -0.1}, "`added_variance` must be a non-negative number.*: -0.1"),
        ({"added_variance": None}, "`added_variance` must be a non-negative number.*: None"),
        ({"added_variance": float("inf")}, "`added_variance` must be a non-negative number.*: inf"),
        ({"anneal_epochs": -1}, "`anneal_epochs` must be a non-negative integer. Received: -1"),
        ({"recognition_hidden": (), "attachment": "recognition"}, "`hidden` must name at least"),
        ({"concentration1": "2"}, "`concentration1` must be a positive number. Received: '2'"),
        ({"seed": "a"}, "`seed` must be an integer or None"),
        ({"seed": 1.5}, "`seed` must be an integer or None"),
        (
            {"inducing_gradient": "score", "inducing_points": "learned"},
            "covariance over trees and needs `num_chains` of at least 2. Received: 1",
        ),
        ({"inducing_gradient": "score", "num_chains": 2}, "score' is for learned inducing points"),
    ],
)
def test_bad_settings_are_explained(settings, message):
    with pytest.raises(ValueError, match=message):
        priors.LORACs(2, **{"num_inducing": 4, **settings})


def test_the_config_holds_every_setting():
    settings = dict(
        num_inducing=7,
        concentration1=1.5,
        concentration0=2.5,
        attachment="recognition",
        edge_weights="bayes",
        inducing_points="learned",
        inducing_gradient="score",
        inducing_learning_rate=0.1,
        inducing_start="examples",
        tree_start="near_zero",
        start_epoch=3,
        burn_in=11,
        moves_per_step=12,
        move_mixture=[1, 2, 3, 4],
        num_chains=2,
        num_nodes=[9, 8],
        training_num_nodes=[7, 6],
        variance_floor=0.01,
        added_variance=0.2,
        anneal_epochs=5,
        recognition_hidden=[4, 3],
        seed=8,
    )
    prior = priors.LORACs(2, **settings)
    config = prior.get_config()
    assert {name: config[name] for name in settings} == settings
    assert priors.LORACs.from_config(config).get_config() == config
    assert prior.parent.shape == prior.time.shape == (2, 13)
    assert prior.inducing.shape == (7, 2)
