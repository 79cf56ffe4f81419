"""Shares put together are the whole, bit for bit; what does not fit is never taken silently."""

import shutil
import warnings

import numpy as np
import pandas
import pytest
import script_runs
import tensorflow as tf

import tfsp
from tfsp import evaluation, experiment, models, networks, priors
from tfsp.config import default_config
from tfsp.evaluation import shares

LIKELIHOOD = dict(num_samples=7, seed=3)
ROWS = 530  # six batches of 100, the last one of 30


def vae(seed=0, **options):
    model = models.VAE(networks.MLP(hidden=(8,)), latent_dim=3, seed=seed, **options)
    tf.keras.utils.set_random_seed(seed)
    model.build((None, 6))
    return model


@pytest.fixture(scope="module")
def model():
    return vae()


@pytest.fixture(scope="module")
def x():
    return (np.random.default_rng(0).random((ROWS, 6)) < 0.4).astype("float32")


@pytest.fixture(autouse=True)
def _no_warnings():
    """What is not said to warn must not."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


@pytest.fixture
def calls(monkeypatch):
    """Numbers of the batches that are computed, as they are."""
    seen = []
    collect = shares.collect

    def spying(function, *args):
        def spied(number, *batch):
            seen.append(number)
            return function(number, *batch)

        return collect(spied, *args)

    monkeypatch.setattr(shares, "collect", spying)
    return seen


def likelihood(model, x, **options):
    return evaluation.log_likelihood(model, x, per_example=True, **{**LIKELIHOOD, **options})


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, key)  # exactly


def test_three_shares_are_the_whole_log_likelihood(model, x, tmp_path, calls):
    whole = likelihood(model, x)
    del calls[:]
    paths = [likelihood(model, x, share=(i, 3), folder=tmp_path) for i in (2, 0, 1)]
    assert calls == [2, 5, 0, 3, 1, 4]
    assert len({path.name.rsplit("-", 3)[0] for path in paths}) == 1
    assert [path.name[-10:] for path in paths] == ["2-of-3.npz", "0-of-3.npz", "1-of-3.npz"]
    del calls[:]
    assert_same(likelihood(model, x, folder=tmp_path), whole)
    assert calls == []
    assert whole["log_p_per_example"].shape == (ROWS,)


def test_three_shares_are_the_whole_codes(model, x, tmp_path, calls):
    y = np.arange(ROWS)
    codes, labels = evaluation.encode(model, (x, y))
    for i in range(3):
        evaluation.encode(model, (x, y), share=(i, 3), folder=tmp_path)
    assert sorted(calls) == sorted([*range(6)] * 2)
    found, found_labels = evaluation.encode(model, (x, y), folder=tmp_path)
    assert len(calls) == 12
    np.testing.assert_array_equal(found, codes)
    assert found.dtype == codes.dtype
    np.testing.assert_array_equal(found_labels, labels)


def tree_model():
    prior = priors.LORACs(latent_dim=3, num_inducing=6, burn_in=0)
    model = vae(prior=prior)
    leaves = np.random.default_rng(1).normal(size=(6, 3)).astype(np.float32)
    tree = tfsp.tmc.neighbour_tree(leaves)
    prior.start(leaves, tree.parent, tree.time, burn_in=0)
    return model


@pytest.mark.parametrize(
    "make",
    [
        vae,
        tree_model,
        lambda: models.GMVAE(networks.MLP(hidden=(8,)), latent_dim=3, num_components=4, seed=0),
    ],
    ids=["neighbours", "tree", "categories"],
)
def test_three_shares_are_the_whole_attach_table(make, x, tmp_path):
    model = make()
    model.build((None, 6))
    frame = pandas.DataFrame(x, index=[f"r{i}" for i in range(ROWS)], columns=list("abcdef"))
    data = tfsp.data.load(frame)
    whole = evaluation.attach(model, data, num_clusters=2)
    for i in range(3):
        paths = evaluation.attach(model, data, share=(i, 3), folder=tmp_path)
        assert [path.name.split("-")[1] for path in paths] == ["train", "validation", "test"]
    found = evaluation.attach(model, data, num_clusters=2, folder=tmp_path)
    pandas.testing.assert_frame_equal(found, whole, check_exact=True)


def test_a_share_that_is_there_is_not_computed_again(model, x, tmp_path, calls):
    path = likelihood(model, x, share=(1, 4), folder=tmp_path)
    before = path.read_bytes(), path.stat().st_mtime_ns
    del calls[:]
    assert likelihood(model, x, share=(1, 4), folder=tmp_path) == path
    assert calls == []
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_the_whole_computes_what_is_missing_and_says_so(model, x, tmp_path, calls):
    whole = likelihood(model, x)
    for i in (0, 2):
        likelihood(model, x, share=(i, 4), folder=tmp_path)
    del calls[:]
    with pytest.warns(UserWarning, match="not the whole. Missing: 1/4, 3/4. What they lack"):
        assert_same(likelihood(model, x, folder=tmp_path), whole)
    assert calls == [1, 3, 5]


def test_shares_of_several_counts_go_together(model, x, tmp_path, calls):
    whole = likelihood(model, x)
    for share in ((0, 2), (1, 4), (3, 4)):
        likelihood(model, x, share=share, folder=tmp_path)
    del calls[:]
    assert_same(likelihood(model, x, folder=tmp_path), whole)
    assert calls == []


def test_more_shares_than_batches(model, x, tmp_path):
    whole = likelihood(model, x[:120])
    for i in range(3):
        likelihood(model, x[:120], share=(i, 3), folder=tmp_path)
    assert_same(likelihood(model, x[:120], folder=tmp_path), whole)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def flip(path):
    """One bit of what was computed."""
    content = bytearray(path.read_bytes())
    content[content.index(b"value/log_prob") + 200] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, lambda path: path.write_bytes(b"")])
def test_a_damaged_share_is_computed_again(model, x, tmp_path, calls, damage):
    whole = likelihood(model, x)
    path = likelihood(model, x, share=(0, 2), folder=tmp_path)
    good = path.read_bytes()
    likelihood(model, x, share=(1, 2), folder=tmp_path)
    damage(path)
    del calls[:]
    with (
        pytest.warns(UserWarning, match="not the whole. Missing: none, but some are damaged"),
        pytest.warns(UserWarning, match=f"{path} is damaged, and computed again"),
    ):
        assert_same(likelihood(model, x, folder=tmp_path), whole)
    assert calls == [0, 2, 4]
    with pytest.warns(UserWarning, match="is damaged, and computed again"):
        likelihood(model, x, share=(0, 2), folder=tmp_path)
    assert path.read_bytes() == good


def test_a_killed_process_leaves_nothing_that_counts(model, x, tmp_path, calls):
    path = likelihood(model, x, share=(0, 1), folder=tmp_path)
    killed = tmp_path / "partial-00000000-1-00000000"
    killed.mkdir()
    path.rename(killed / path.name)
    cut(killed / path.name)
    del calls[:]
    assert likelihood(model, x, share=(0, 1), folder=tmp_path) == path
    assert calls == [*range(6)]


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("seed", "seed is 4 there, 3 here"),
        ("samples", "num_samples is 8 there, 7 here"),
        ("weights", "weights is '[0-9a-f]{32}' there, '[0-9a-f]{32}' here"),
    ],
)
def test_shares_of_something_else_are_not_taken(model, x, tmp_path, what, why):
    whole = likelihood(model, x)
    other = vae(seed=1) if what == "weights" else model
    options = {"seed": dict(seed=4), "samples": dict(num_samples=8)}.get(what, {})
    foreign = likelihood(other, x, share=(0, 1), folder=tmp_path, **options)
    with pytest.warns(UserWarning, match=f"None of the 1 shares .*{why}"):
        assert_same(likelihood(model, x, folder=tmp_path), whole)
    own = likelihood(model, x, share=(0, 1), folder=tmp_path)
    assert own != foreign
    assert foreign.exists()  # they lie beside each other
    shutil.copy(foreign, own)  # under a name that is not its own
    with pytest.warns(UserWarning, match=f"{own.name} is not taken: {why}"):
        assert_same(likelihood(model, x, folder=tmp_path), whole)


def test_batches_of_other_data_are_not_taken(model, x, tmp_path, calls):
    likelihood(model, x, share=(0, 1), folder=tmp_path)
    other = x.copy()
    other[250] = 1 - other[250]
    whole = likelihood(model, other)
    del calls[:]
    with pytest.warns(UserWarning, match="of other data"):
        assert_same(likelihood(model, other, folder=tmp_path), whole)
    assert calls == [2]
    likelihood(model, x[:120], share=(0, 1), folder=tmp_path)
    assert_same(likelihood(model, x[:120], folder=tmp_path), likelihood(model, x[:120]))


def test_draws_of_the_model_do_not_make_it_another(model, x, tmp_path, calls):
    likelihood(model, x, share=(0, 1), folder=tmp_path)
    model.seeds.next()
    del calls[:]
    likelihood(model, x, folder=tmp_path)
    assert calls == []


BAD = "`share` must be a pair .* Indices count from 0: of 16 shares they are 0 to 15. Received: "


@pytest.mark.parametrize("text", ["16/16", "3", "3/", "-1/4", "0/0", "1.0/2", "1/2/3", "a/b", ""])
def test_bad_shares_are_refused(model, x, tmp_path, text):
    with pytest.raises(ValueError, match=BAD):
        shares.parse(text)
    with pytest.raises(ValueError, match=BAD):
        likelihood(model, x, share=text, folder=tmp_path)


@pytest.mark.parametrize("share", [(2, 2), (-1, 2), (0,), (0, 1, 2), (True, 2), (0.0, 2), 3])
def test_bad_pairs_are_refused(model, x, tmp_path, share):
    with pytest.raises(ValueError, match=BAD):
        likelihood(model, x, share=share, folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_share_needs_a_folder_and_a_model(model, x, tmp_path):
    assert shares.parse("3/16") == (3, 16)
    assert shares.parse(None) is None
    with pytest.raises(ValueError, match="say in which folder by `folder`"):
        evaluation.encode(model, x, share=(0, 2))

    class Codes:
        def encode(self, x):
            return x

    with pytest.raises(ValueError, match="need a model with `weights`.*Received: Codes"):
        evaluation.encode(Codes(), x, share=(0, 2), folder=tmp_path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("shares") / "run"
    config = default_config()
    config.data.update(train_size=210, validation_size=50, test_size=300)
    config.model.latent_dim = 3
    config.network.hidden = (8,)
    config.train.update(batch_size=50, epochs=1, jit_compile=False, steps_per_execution=2)
    config.evaluate.update(num_samples=6, num_examples=290)
    experiment.train(config, path, verbose=0)
    return path


def test_a_run_in_shares_is_the_run_as_a_whole(trained, tmp_path):
    whole, parts = (shutil.copytree(trained, tmp_path / name) for name in ("whole", "parts"))
    tasks = "--tasks=log_likelihood,members"
    script_runs.run("evaluate", f"--run_dir={whole}", tasks)
    for i in range(2):
        done = script_runs.run("evaluate", f"--run_dir={parts}", tasks, f"--share={i}/2")
        assert f"Share {i}/2 is in {parts / 'shares' / 'log_likelihood-'}" in done.stdout
    assert not (parts / "metrics.json").exists()
    assert len(list((parts / "shares").iterdir())) == 8
    script_runs.run("evaluate", f"--run_dir={parts}", tasks)
    assert evaluation.read_json(parts / "metrics.json") == evaluation.read_json(
        whole / "metrics.json"
    )
    assert (parts / "members.csv").read_bytes() == (whole / "members.csv").read_bytes()


def test_only_what_can_be_shared_is(trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    done = script_runs.run("evaluate", f"--run_dir={run}", "--share=0/2")  # of the default tasks
    assert "log_likelihood-" in done.stdout
    with pytest.raises(ValueError, match="in shares: log_likelihood, members. Received: bounds"):
        evaluation.evaluate_run(run, tasks=["log_likelihood", "bounds"], share=(1, 2))
    with pytest.raises(ValueError, match="no shares here: the number of samples is 0"):
        evaluation.evaluate_run(run, num_samples=0, share=(1, 2))
    result = script_runs.run("evaluate", f"--run_dir={run}", "--share=2/2", check=False)
    assert result.returncode
    assert "Indices count from 0" in result.stderr
