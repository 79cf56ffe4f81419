"""A run trained on with constraints: what changes, what stays, and what is refused."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest
import script_runs

from tfsp import evaluation, experiment, refinement, run_leaves
from tfsp.config import default_config
from tfsp.explorer import identity, leaf_rows, read_constraints, write_constraints
from tfsp.explorer.generations import Generations
from tfsp.refinement import leaves
from tfsp.tmc.constraints import ContradictionError, satisfies
from tfsp.tmc.density.induced import induced_hierarchy

INDUCING = 8


def small(name="vae", prior="loracs", **settings):
    config = default_config(name)
    config.data.update(name="digits", train_size=60, validation_size=20, test_size=20)
    config.network.hidden = (8,)
    config.model.latent_dim = 3
    config.train.update(epochs=2, batch_size=20, jit_compile=False, keep_checkpoints=2)
    if prior:
        config.prior.name = prior
    for key, value in settings.items():
        config.prior[key] = value
    return config


def write(path, data, triplets=(), must=(), cannot=()):
    write_constraints(path, data, triplets, must, cannot)
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run, and its data."""
    folder = tmp_path_factory.mktemp("refine") / "run"
    given = {"num_inducing": INDUCING, "start_epoch": 1, "burn_in": 200, "moves_per_step": 50}
    config = small(**given, edge_weights="bayes").to_dict()
    experiment.train(config, folder, verbose=0)
    return folder, experiment.load_data(config)


@pytest.fixture(scope="module")
def against(run):
    """Three triplets of rows that the rows' own hierarchy breaks, two rows of no training part."""
    folder, data = run
    model, _ = experiment.load_run(folder)
    stands = leaf_rows.leaf_rows(model, data, run_leaves.NONE)
    others = [row for row in data.rows("train") if row not in stands]
    rows = np.concatenate([others[:5], stands[stands >= 0][:1], data.rows("test")[:2]])
    codes = np.asarray(model.encode(leaves.examples(data, rows)))
    now = model.prior.phylogeny()
    tree = induced_hierarchy(
        codes, now.parent, now.time, np.asarray(model.prior.inducing), mode="mode"
    )
    found = []
    for i, j, k in [(0, 1, 2), (3, 4, 6), (5, 7, 0)]:
        for triple in ((i, j, k), (i, k, j), (j, k, i)):
            if not satisfies(tree.parent, [triple])[0]:
                found.append([int(rows[n]) for n in triple])
                break
    assert len(found) == 3
    return found


@pytest.fixture(scope="module")
def refined(run, against, tmp_path_factory):
    folder, data = run
    path = write(tmp_path_factory.mktemp("said") / "constraints.json", data, against)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    result = refinement.refine_run(folder, path, folder.with_name("refined"), 2, verbose=0)
    assert before == {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return result, path


def test_named_rows_are_leaves_where_they_are_encoded(run, refined, against):
    result, path = refined
    _, data = run
    for checkpoint in ("best", "last"):
        model, config = experiment.load_run(result.path, checkpoint)
        known = run_leaves.read(result.path)
        named = {row for triplet in against for row in triplet}
        assert set(known.leaves) == named
        assert config["prior"]["num_inducing"] == INDUCING + result.num_added
        assert model.prior.num_inducing == INDUCING + result.num_added
        codes = model.encode(leaves.examples(data, list(known.added)))
        there = np.array(model.prior.inducing)[list(known.added.values())]
        np.testing.assert_array_equal(there, codes)
    # One of the rows was what an inducing point stood for.
    assert (result.num_leaves, result.num_added) == (len(named), len(named) - 1)
    (leaf,) = known.standing.values()
    assert leaf < INDUCING
    assert list(known.added.values()) == list(range(INDUCING, INDUCING + result.num_added))
    assert (result.path / "constraints.json").read_bytes() == path.read_bytes()


def test_the_tree_and_its_summary_satisfy_what_was_said(refined, against):
    result, _ = refined
    model, _ = experiment.load_run(result.path)
    known = run_leaves.read(result.path).leaves
    triplets = [[known[row] for row in triplet] for triplet in against]
    said = (
        {(frozenset(t[:2]), t[2]) for t in rows}
        for rows in (model.prior.triplets.tolist(), triplets)
    )
    assert next(said) == next(said)
    assert satisfies(model.prior.phylogeny().parent, triplets).all()
    summary = model.prior.summary_tree(20, warn=False)
    assert satisfies(summary.tree.parent, triplets).all()
    assert result.num_triplets == 3


def test_rows_attach_as_was_said(refined):
    result, _ = refined
    assert result.satisfied_before == 0
    assert result.satisfied == 3


def test_it_starts_from_the_weights_and_the_inducing_points_of_the_run(run, against, tmp_path):
    folder, data = run
    old, config = experiment.load_run(folder)
    said = read_constraints(write(tmp_path / "c.json", data, against), data)
    plan = refinement.run._Plan(old, data, said, run_leaves.NONE)
    new = plan.model(experiment.model_for(data, plan.config(config, 1)))
    x = data.arrays("test")[0]
    np.testing.assert_array_equal(new.encode(x), old.encode(x))
    np.testing.assert_array_equal(
        new.decode(old.encode(x)).mean(), old.decode(old.encode(x)).mean()
    )
    before, after = np.array(old.prior.inducing), np.array(new.prior.inducing)
    np.testing.assert_array_equal(after[:INDUCING], before)
    ((row, leaf),) = plan.known.standing.items()
    # The row that an inducing point stands for is the nearest to it of all.
    codes = np.array(old.encode(data.arrays("train")[0]))
    nearest = data.rows("train")[((codes - before[leaf]) ** 2).sum(1).argmin()]
    assert row == nearest


def test_a_second_refinement_knows_the_leaves_of_the_first(run, refined, against, tmp_path):
    _, data = run
    first, _ = refined
    more = [*against[:2], [against[0][0], against[1][0], int(data.rows("test")[5])]]
    path = write(tmp_path / "c.json", data, more)
    second = refinement.refine_run(first.path, path, tmp_path / "second", 1, verbose=0)
    assert second.num_added == 1
    known = run_leaves.read(first.path).leaves
    assert {row: run_leaves.read(second.path).leaves[row] for row in known} == known
    model, _ = experiment.load_run(second.path)
    assert model.prior.num_inducing == INDUCING + first.num_added + 1
    assert len(model.prior.triplets) == 3  # not those that are no longer said


def test_a_folder_with_other_answers_is_left_alone(run, refined, against, tmp_path):
    """Also where the configs agree: as many rows become leaves."""
    folder, data = run
    result, path = refined
    a, b, c = against[0]
    there = {p: p.read_bytes() for p in result.path.rglob("*") if p.is_file()}
    other = write(tmp_path / "c.json", data, [[a, c, b], *against[1:]])
    with pytest.raises(ValueError, match="a refinement by other answers"):
        refinement.refine_run(folder, other, result.path, 2, verbose=0)
    assert there == {p: p.read_bytes() for p in result.path.rglob("*") if p.is_file()}
    assert refinement.refine_run(folder, path, result.path, 2, verbose=0)[1:] == result[1:]


def test_answers_are_those_that_training_began_with(run, against, tmp_path, monkeypatch):
    folder, data = run
    path = write(tmp_path / "c.json", data, against)
    before, train = path.read_bytes(), experiment.train

    def train_meanwhile(*args, **kwargs):
        path.write_text("something else")
        return train(*args, **kwargs)

    monkeypatch.setattr(experiment, "train", train_meanwhile)
    result = refinement.refine_run(folder, path, tmp_path / "new", 1, verbose=0)
    assert (result.path / "constraints.json").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"standing": {}, "added": {"ROW": 99}}', "names leaf 99, which the run's tree"),
        ('{"standing": {}, "added": {"99999": 9}}', "names row 99999, which the data"),
        ('{"standing": {"3": -1}, "added": {}}', "is damaged: expected"),
        ('{"standing": {"3": 1.5}, "added": {}}', "is damaged: expected"),
        ('{"standing": {"3": 1, "4": 1}, "added": {}}', "is damaged: expected"),
        ("[]", "is damaged: expected"),
    ],
)
def test_damaged_leaves_are_named(run, refined, tmp_path, content, message):
    result, path = refined
    again = tmp_path / "again"
    shutil.copytree(result.path, again)
    known = str(run[1].rows("train")[0])
    (again / "leaves.json").write_text(content.replace("ROW", known))
    with pytest.raises(ValueError, match=message):
        refinement.refine_run(again, path, tmp_path / "new", 1, verbose=0)
    assert not (tmp_path / "new").exists()


def test_links_become_triplets(run, tmp_path):
    folder, data = run
    a, b, c, d = data.rows("train")[[8, 9, 10, 11]].tolist()
    path = write(tmp_path / "c.json", data, must=[(a, b)], cannot=[(b, c), (a, d)])
    result = refinement.refine_run(folder, path, tmp_path / "new", 1, verbose=0)
    assert result.num_idle == 0
    model, _ = experiment.load_run(result.path)
    leaf = run_leaves.read(result.path).leaves
    expected = [[leaf[a], leaf[b], leaf[other]] for other in (c, d)]
    assert satisfies(model.prior.phylogeny().parent, expected).all()
    assert result.num_triplets == 2


@pytest.mark.slow
def test_a_refinement_that_was_stopped_goes_on_to_the_same_weights(run, refined, tmp_path):
    folder, _ = run
    result, path = refined
    again = tmp_path / "again"
    shutil.copytree(result.path, again)
    for name in ("best.keras", "epoch-00002.keras"):
        (again / "checkpoints" / name).unlink()
    for name in ("leaves.json", "constraints.json"):
        (again / name).unlink()
    with pytest.warns(UserWarning, match="best"):
        refinement.refine_run(folder, path, again, 2, verbose=0)
    one, other = (experiment.load_run(path, "last")[0] for path in (result.path, again))
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert run_leaves.read(again) == run_leaves.read(result.path)


def test_contradictions_are_named_and_nothing_is_made(run, tmp_path):
    folder, data = run
    a, b, c, d = data.rows("train")[:4].tolist()
    path = write(tmp_path / "c.json", data, [(a, b, c), (b, c, d), (a, d, b)])
    with pytest.raises(ContradictionError, match="cannot all be true of one hierarchy") as caught:
        refinement.refine_run(folder, path, tmp_path / "new", 1, verbose=0)
    assert f"row {a}" in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_contradictions_of_rows_with_one_name_tell_them_apart(run, tmp_path):
    folder, data = run
    rows = data.rows("train")[:4].tolist()
    a, b, c, d = rows
    path = write(tmp_path / "c.json", data, [(a, b, c), (b, c, d), (a, d, b)])
    content = json.loads(path.read_text().replace("null", '"same"'))
    path.write_text(json.dumps(content))
    with pytest.raises(ContradictionError, match=rf"same \(row {a}\)"):
        refinement.refine_run(folder, path, tmp_path / "new", 1, verbose=0)


def test_bad_input_is_refused_before_anything_is_made(run, against, tmp_path):
    folder, data = run
    new = tmp_path / "new"
    path = write(tmp_path / "c.json", data, against)
    with pytest.raises(ValueError, match="another folder than the run's own"):
        refinement.refine_run(folder, path, folder, 1, verbose=0)
    with pytest.raises(ValueError, match="`epochs` must be"):
        refinement.refine_run(folder, path, new, 0, verbose=0)
    with pytest.raises(FileNotFoundError):
        refinement.refine_run(tmp_path / "absent", path, new, 1, verbose=0)
    only = write(tmp_path / "m.json", data, must=[against[0][:2]])
    with pytest.raises(ValueError, match="ask for nothing"):
        refinement.refine_run(folder, only, new, 1, verbose=0)
    other = experiment.load_data(
        {**small().to_dict(), "seed": 5} | {"data": {**small().to_dict()["data"], "test_size": 30}}
    )
    with pytest.raises(ValueError, match="about other data"):
        refinement.refine_run(
            folder, write(tmp_path / "o.json", other, [other.rows("train")[:3]]), new, 1, verbose=0
        )
    assert not new.exists()


def test_a_prior_that_is_no_tree_is_refused(tmp_path):
    config = small(prior=None).to_dict()
    config["train"]["epochs"] = 1
    experiment.train(config, tmp_path / "run", verbose=0)
    data = experiment.load_data(config)
    path = write(tmp_path / "c.json", data, [data.rows("train")[:3].tolist()])
    with pytest.raises(ValueError, match="is no tree"):
        refinement.refine_run(tmp_path / "run", path, tmp_path / "new", 1, verbose=0)


def test_of_a_tmc_vae_training_rows_are_leaves(tmp_path):
    config = small("tmc_vae", None)
    config.prior.update(start_epoch=1, burn_in=100, moves_per_step=20)
    experiment.train(config.to_dict(), tmp_path / "run", verbose=0)
    data = experiment.load_data(config.to_dict())
    rows = data.rows("train")
    triplets = [[int(rows[n]) for n in triple] for triple in ((0, 20, 40), (5, 33, 0))]
    path = write(tmp_path / "c.json", data, triplets)
    result = refinement.refine_run(tmp_path / "run", path, tmp_path / "new", 1, verbose=0)
    model, _ = experiment.load_run(result.path)
    assert satisfies(model.prior.phylogeny().parent, [(0, 20, 40), (5, 33, 0)]).all()
    assert (result.num_added, result.satisfied) == (0, 2)
    path = write(tmp_path / "d.json", data, [[*triplets[0][:2], int(data.rows("test")[0])]])
    with pytest.raises(ValueError, match="is no training row"):
        refinement.refine_run(tmp_path / "run", path, tmp_path / "other", 1, verbose=0)


@pytest.mark.slow
def test_the_code_of_the_docs(run, tmp_path, monkeypatch, capsys):
    text = (pathlib.Path(__file__).parents[2] / "docs" / "corrections.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shutil.copytree(run[0], tmp_path / "runs" / "emoji")
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    before, now = capsys.readouterr().out.split()[-2:]
    assert before in "01"
    assert now == "1"


def test_the_script_leaves_nothing_behind_where_it_refuses(run, tmp_path):
    folder = shutil.copytree(run[0], tmp_path / "run")
    path = tmp_path / "c.json"
    for place, reason in ((tmp_path / "absent", "holds no run"), (folder, "c.json")):
        given = (f"--run_dir={place}", f"--constraints={path}")
        result = script_runs.run("refine", *given, check=False)
        assert (result.returncode, reason in result.stderr) == (1, True)
    assert not (tmp_path / "absent").exists()
    assert not (folder / "refined").exists()


@pytest.mark.slow
def test_a_refinement_is_complete_also_where_its_page_cannot_be_written(
    run, against, tmp_path, monkeypatch
):
    folder = shutil.copytree(run[0], tmp_path / "run")
    path = write(tmp_path / "c.json", run[1], against)

    def full(*_, **__):
        raise OSError(28, "No space left on device", "explorer.html")

    monkeypatch.setattr("tfsp.explorer.explore_run", full)
    given = (f"--run_dir={folder}", f"--constraints={path}", "--epochs=1")
    result = script_runs.run("refine", *given, check=False)
    assert (result.returncode, "explorer.html" in result.stderr) == (1, True)
    assert Generations(folder).current() == 1


def test_named_rows_stand_at_their_leaves(run, refined, against):
    result, _ = refined
    _, data = run
    known = run_leaves.read(result.path).leaves
    columns = evaluation.evaluate_run(result.path, tasks=("members",), progress=False)
    lines = (result.path / columns["members_file"]).read_text().splitlines()
    found = {line.split(",")[0]: line.split(",")[2:4] for line in lines[1:]}
    numbers, names = identity.all_rows(data)
    for row, leaf in known.items():
        name = row if names is None else names[numbers.tolist().index(row)]
        assert found[str(name)] == [str(leaf), "1"]


def test_links_that_ask_for_nothing_are_counted(run):
    said = [
        np.array(rows, int).reshape(-1, n)
        for rows, n in (
            ([(1, 2, 3)], 3),
            ([(4, 5), (5, 6), (7, 8)], 2),
            ([(6, 9), (10, 11), (1, 2)], 2),
        )
    ]
    assert refinement.run._idle_links((*said, {}, {})) == 3  # (7, 8), (10, 11), (1, 2)
    assert refinement.run._idle_links((said[0], *(part[:0] for part in said[1:]), {}, {})) == 0
