"""A config fitted to a user's own data: what is chosen, what a user gives, and runs of it."""

import json

import numpy as np
import pandas
import pytest
import tensorflow as tf
from PIL import Image
from script_runs import ROOT, run

from tfsp import evaluation, experiment, own_data
from tfsp.config import check_section, default_config, read_config, to_dict
from tfsp.data import DataNotFoundError

RNG = np.random.default_rng(0)


def pictures(path, shape=(8, 8), top=256, count=40):
    path.mkdir()
    for i in range(count):
        image = RNG.integers(0, top, shape) * (255 // (top - 1))
        Image.fromarray(image.astype(np.uint8)).save(path / f"{i:02d}.png")
    return path


def table(path, values, **columns):
    frame = pandas.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])
    frame.assign(**columns).to_csv(path, index=False)
    return path


def fitted(path, config=None, **given):
    """(config, lines) of the digits' config with "section__setting" given by a user."""
    config = read_config(ROOT / "configs/vae/digits.py") if config is None else config
    given = {name.replace("__", "."): value for name, value in given.items()}
    for name, value in given.items():
        section, _, key = name.partition(".")
        config[section][key] = value
    lines = own_data.fit_config(config, path, given)
    assert len(lines) == 3
    assert [line.partition(":")[0] for line in lines] == ["Found", "Chosen", "Fitted"]
    for section in ("network", "likelihood", "prior", "model"):
        check_section(to_dict(config), section)
    return config, lines


@pytest.mark.parametrize(
    ("shape", "top", "likelihood", "size", "words"),
    [
        ((8, 8), 256, "continuous_bernoulli", 8, "grey pictures of 8x8"),
        ((8, 8), 2, "bernoulli", 8, "black and white pictures of 8x8"),
        ((12, 9, 3), 256, "logistic", 0, "colour pictures of 12x9"),
        ((100, 80, 3), 256, "logistic", 32, "shrunk to 32x32 (squash)"),
        ((40, 40), 2, "continuous_bernoulli", 32, "shrunk to 32x32"),  # which makes them grey
    ],
)
def test_pictures(tmp_path, shape, top, likelihood, size, words):
    config, lines = fitted(pictures(tmp_path / "own", shape, top))
    assert config.data.name == str(tmp_path / "own")
    assert config.data.binarization == "none"  # the digits' own config draws
    assert config.likelihood.name == likelihood
    assert config.data.image_size == size
    assert words in " ".join(lines)
    data = experiment.load_data(to_dict(config))
    assert data.info.image_shape == ((size, size) if size else shape[:2]) + (shape + (1,))[2:3]
    x = data.arrays("train")[0]
    if likelihood == "bernoulli":
        assert set(np.unique(x)) == {0, 1}
    experiment.build_model(to_dict(config), data.info.image_shape)


def test_pictures_keep_convolutions_at_sides_that_these_can_halve(tmp_path):
    config = default_config()
    config.network.name = "loracs_conv"
    config.model.consistency = 1.5
    path = pictures(tmp_path / "own", (90, 90))
    assert fitted(path, config)[0].data.image_size == 64
    path = pictures(tmp_path / "odd", (30, 30))
    config, lines = fitted(path, config)
    assert config.data.image_size == 28
    assert config.network.name == "loracs_conv"
    assert config.model.consistency == 1.5
    assert "network loracs_conv," in lines[2]


def test_black_and_white_of_many_sizes_becomes_grey(tmp_path):
    path = pictures(tmp_path / "own", (8, 8), 2)
    Image.fromarray(np.zeros((9, 7), np.uint8)).save(path / "odd.png")
    config, lines = fitted(path)
    assert (config.likelihood.name, config.data.image_size) == ("continuous_bernoulli", 8)
    assert "brought to 8x8" in lines[1]
    same = pictures(tmp_path / "same", (8, 8), 2)
    assert fitted(same, data__image_size=8)[0].likelihood.name == "bernoulli"
    assert fitted(same, data__image_size=4)[0].likelihood.name == "continuous_bernoulli"


def test_tables_lose_convolutions_and_augmentations(tmp_path):
    path = table(tmp_path / "own.csv", RNG.normal(size=(40, 3)))
    config = default_config()
    config.network.name = "loracs_conv"
    config.model.consistency = 1.5
    config, lines = fitted(path, config)
    assert config.network.name == "mlp"
    assert config.model.consistency is None
    assert "network mlp (without loracs_conv and consistency, of pictures alone)" in lines[2]
    own = default_config()
    own.network.name = "loracs_conv"
    own, lines = fitted(path, own, network__name="loracs_conv")
    assert own.network.name == "loracs_conv"  # building says that it is not for tables
    assert "network loracs_conv," in lines[2]


@pytest.mark.parametrize(
    ("values", "likelihood", "words"),
    [
        (
            RNG.normal(size=(40, 3)),
            dict(name="gaussian", scale="feature", standardize=True),
            "real",
        ),
        (
            RNG.poisson(30.0, (40, 3)) * (RNG.random((40, 3)) < 0.5),
            dict(name="negative_binomial", library="observed"),
            "counts up to",
        ),
        (RNG.integers(0, 2, (40, 3)), dict(name="bernoulli"), "zeros and ones"),
    ],
)
def test_tables(tmp_path, values, likelihood, words):
    path = table(
        tmp_path / "own.csv", values, kind=["u", "v"] * 20, who=[f"r{i}" for i in range(40)]
    )
    config, lines = fitted(path, data__label="kind", data__index="who")
    assert likelihood.items() <= config.likelihood.to_dict().items()
    assert words in lines[0]
    assert "2 classes" in lines[0]
    data = experiment.load_data(to_dict(config))
    assert data.info.class_names == ("u", "v")
    assert set(data.index("test")) < {f"r{i}" for i in range(40)}


def passengers(path, number=120):
    """A table as tables are: names, classes, yes and no, numbers, and holes in some columns."""
    rng = np.random.default_rng(1)
    sex = rng.choice(["female", "male"], number)
    survived = (rng.random(number) < np.where(sex == "female", 0.8, 0.2)).astype(int)
    age = np.where(rng.random(number) < 0.25, np.nan, rng.gamma(4.0, 8.0, number).round(1))
    port = rng.choice(["Southampton", "Cherbourg", "Queenstown"], number).astype(object)
    port[rng.random(number) < 0.1] = None
    frame = pandas.DataFrame(
        {
            "name": [f"Passenger, Mr. No. {i:03d}" for i in range(number)],
            "survived": survived,
            "sex": sex,
            "age": age,
            "fare": rng.lognormal(3.0, 1.0, number).round(2),
            "port": port,
        }
    )
    frame.to_csv(path, index=False)
    return frame


def test_a_mixed_table(tmp_path):
    frame = passengers(tmp_path / "own.csv")
    config, lines = fitted(tmp_path / "own.csv")
    chosen = {key: config.data[key] for key in ("index", "categorical", "missing")}
    assert chosen == {"index": "name", "categorical": "code", "missing": "model"}
    assert (config.likelihood.name, config.likelihood.missing) == ("columns", True)
    share = frame.drop(columns="name").isna().to_numpy().mean()
    assert lines[0] == (
        "Found: own.csv, a table of 120 rows and 5 columns, 2 numeric, 2 binary, 1 categorical, "
        f"{share:.0%} missing."
    )
    assert lines[1] == (
        "Chosen: likelihood columns, to each column that of its kind, missing=model, index=name."
    )
    assert max(map(len, lines)) <= 100
    data = experiment.load_data(to_dict(config))
    assert set(data.index("test")) < set(frame["name"])
    assert data.info.columns == ("survived", "sex", "age", "fare", "port")
    assert data.info.categories["sex"] == ("female", "male")
    assert np.isnan(data.arrays("train")[0]).any()


def test_of_a_mixed_table_each_choice_can_be_given(tmp_path):
    frame = passengers(tmp_path / "own.csv")
    path = tmp_path / "own.csv"
    config, lines = fitted(path, data__missing="mean")
    assert (config.data.missing, config.likelihood.missing) == ("mean", False)
    assert "missing=" not in lines[1]
    config, _ = fitted(path, data__missing="drop")
    rows = experiment.load_data(to_dict(config)).info
    assert rows.num_train + rows.num_validation + rows.num_test == len(frame.dropna())
    with pytest.raises(ValueError, match="missing values"):
        fitted(path, data__missing="error")
    config, lines = fitted(path, data__label="port", data__missing="drop")
    assert "3 classes" in lines[0]
    assert "categorical," not in lines[0]
    with pytest.raises(ValueError, match="column 'sex' holds text"):
        fitted(path, data__categorical="error")
    config, _ = fitted(path, likelihood__kinds={"fare": "laplace"}, likelihood__name="columns")
    assert config.likelihood.kinds.to_dict() == {"fare": "laplace"}
    frame.rename(columns={"name": "who"}).assign(name=frame["name"] + "!").to_csv(path, index=False)
    config, _ = fitted(path, data__index="name", likelihood__name="columns", data__label="who")
    assert config.data.index == "name"


def test_numbers_with_holes_alone_stay_gaussian(tmp_path):
    values = RNG.normal(size=(40, 3))
    values[::5, 1] = np.nan
    np.save(tmp_path / "own.npy", values)
    for path in (table(tmp_path / "own.csv", values), tmp_path / "own.npy"):
        config, lines = fitted(path)
        assert (config.likelihood.name, config.likelihood.missing) == ("gaussian", True)
        assert (config.data.missing, config.data.index, config.data.categorical) == (
            "model",
            None,
            None,
        )
        assert "7% missing" in lines[0]
        assert "missing=model" in lines[1]
        assert max(map(len, lines)) <= 100
        assert np.isnan(experiment.load_data(to_dict(config)).arrays("train")[0]).any()


def test_a_mixed_table_is_trained_on(tmp_path):
    """To a run whose members are known by the names of the rows."""
    frame = passengers(tmp_path / "own.csv")
    config, _ = fitted(
        tmp_path / "own.csv",
        network__hidden=(8,),
        prior__name="normal",
        train__epochs=2,
        train__kl_warmup_epochs=0,
        train__steps_per_epoch=4,
        train__jit_compile=False,
    )
    model = experiment.train(config, tmp_path / "run", verbose=0)
    kinds = [spec["name"] for spec in model.likelihood.get_config()["kinds"]]
    assert kinds == ["bernoulli", "bernoulli", "gaussian", "gaussian", "categorical"]
    row = evaluation.evaluate_run(tmp_path / "run", tasks=["members"], progress=False)
    members = pandas.read_csv(tmp_path / "run" / row["members_file"])
    assert set(members["row"]) == set(frame["name"])


def test_embeddings_are_a_table_even_within_0_and_1(tmp_path):
    rows = abs(RNG.normal(size=(40, 8)))
    np.save(tmp_path / "own.npy", rows / np.linalg.norm(rows, axis=1, keepdims=True))
    config, lines = fitted(tmp_path / "own.npy")
    assert config.data.table is True
    assert config.likelihood.standardize is True
    assert "rows of length 1 (embeddings)" in lines[0]
    assert experiment.load_data(to_dict(config)).info.kind == "table"


def test_what_a_user_gives_stays(tmp_path):
    path = table(tmp_path / "own.csv", RNG.normal(size=(40, 3)))
    config, lines = fitted(path, likelihood__name="laplace", likelihood__scale="scalar")
    assert config.likelihood.name == "laplace"
    assert config.likelihood.scale == "scalar"
    assert config.likelihood.standardize is True  # of a table, which is in any units
    assert "likelihood laplace, as given" in lines[1]
    config, _ = fitted(path, likelihood__initial_scale=2.0)  # of a class that was chosen
    assert config.likelihood.name == "gaussian"
    assert config.likelihood.initial_scale == 2.0
    config, lines = fitted(
        pictures(tmp_path / "big", (50, 50)),
        data__image_size=16,
        data__binarization="threshold",
        likelihood__name="bernoulli",
        train__steps_per_epoch=3,
    )
    assert (config.data.image_size, config.data.binarization) == (16, "threshold")
    assert (config.likelihood.name, config.train.steps_per_epoch) == ("bernoulli", 3)
    assert "16x16 as given" in lines[1]
    config, lines = fitted(pictures(tmp_path / "own"), data__binarization="dynamic")
    assert config.likelihood.name == "bernoulli"
    assert "likelihood bernoulli, for binarization dynamic as given" in lines[1]
    with pytest.raises(ValueError, match="not both"):
        fitted(path, data__name="mnist")


def test_settings_of_another_data_set_are_left_behind(tmp_path):
    config = default_config()
    config.data.update(name="mnist_01", proportion=0.3, train_size=9000, classes="0", noise=1.0)
    config, _ = fitted(pictures(tmp_path / "own"), config)
    assert config.data.proportion is None
    assert (config.data.train_size, config.data.classes) == (0, "")
    assert "noise" not in config.data


@pytest.mark.parametrize(
    ("rows", "inducing", "components", "steps"),
    [(40, 16, 16, 10), (178, 20, 71, 10), (1000, 100, 400, 80), (50_000, 200, 500, 0)],
)
def test_numbers_follow_the_rows(tmp_path, rows, inducing, components, steps):
    np.save(tmp_path / "own.npy", RNG.normal(size=(rows, 2)).astype(np.float32))
    for prior, key, expected in (
        ("loracs", "num_inducing", inducing),
        ("vamp", "num_components", components),
    ):
        config = default_config()
        config.prior.update({"name": prior, key: 200 if prior == "loracs" else 500})
        config.train.steps_per_epoch = 100
        config, lines = fitted(tmp_path / "own.npy", config)
        assert config.prior[key] == expected
        assert config.train.steps_per_epoch == steps
        assert f"prior.{key} {expected}, {steps or 400} steps an epoch" in lines[2]
        assert max(map(len, lines)) <= 100


def test_the_lines_in_the_docs_are_those_that_are_printed(tmp_path):
    from sklearn.datasets import load_wine

    wine = load_wine(as_frame=True)
    frame = wine.data.assign(bottle=[f"bottle-{i:03d}" for i in range(178)])
    frame["cultivar"] = wine.target_names[wine.target]
    frame.to_csv(tmp_path / "wine.csv", index=False)
    config = read_config(ROOT / "configs/loracs/own_data.py")
    config, lines = fitted(
        tmp_path / "wine.csv", config, data__label="cultivar", data__index="bottle"
    )
    assert "\n".join(lines) in (ROOT / "docs" / "own_data.md").read_text()


def test_columns_of_text_are_named_with_the_flags_that_help(tmp_path):
    words = [f"{i} {'word ' * 20}" for i in range(40)]  # too long for names
    path = table(tmp_path / "own.csv", RNG.normal(size=(40, 3)), told=words)
    with pytest.raises(ValueError, match=r"'told' holds 40 .*texts.* --config.data.label=\.\.\."):
        own_data.fit_config(default_config(), path)
    path = table(tmp_path / "own.csv", RNG.normal(size=(40, 3)), kind=["u", "v"] * 20)
    given = dict(likelihood__name="gaussian")  # to which codes are numbers
    with pytest.raises(ValueError, match=r"column 'kind' holds text.* --config.data.label=\.\.\."):
        fitted(path, **given)


def test_a_column_that_counts_the_rows_is_told(tmp_path):
    path, number = tmp_path / "own.csv", np.arange(1, 41)
    frame = pandas.DataFrame({"id": number, "x": RNG.normal(size=40), "y": number + 0.5})
    frame["y"] = frame["y"].sample(frac=1, random_state=0).to_numpy()
    frame.to_csv(path, index=False)
    lines = own_data.fit_config(default_config(), path)
    assert lines[3:] == (
        "Note: column 'id' only counts the rows. To keep it out: --config.data.index=id, or a file "
        "without it.",
    )
    config = default_config()
    config.data.index = "id"
    assert len(own_data.fit_config(config, path, ("data.index",))) == 3
    assert list(experiment.load_data(to_dict(config)).info.columns) == ["x", "y"]
    frame.assign(name=[f"r{n}" for n in number]).to_csv(path, index=False)
    lines = own_data.fit_config(default_config(), path)
    assert lines[3] == "Note: column 'id' only counts the rows. To keep it out: a file without it."


def test_too_few_rows(tmp_path):
    path = table(tmp_path / "own.csv", RNG.normal(size=(19, 3)))
    with pytest.raises(ValueError, match="has 19 rows, .* too few to learn from. Expected 20"):
        own_data.fit_config(default_config(), path)
    with pytest.raises(DataNotFoundError):
        own_data.fit_config(default_config(), tmp_path / "absent")


def test_the_script_shows_what_it_has_chosen(tmp_path):
    path = table(tmp_path / "own.csv", RNG.normal(size=(40, 3)), kind=["u", "v"] * 20)
    shown = run("train", f"--data={path}", "--config.data.label=kind", "--show_config").stdout
    assert shown.startswith("Found: own.csv, a table of 40 rows and 3 columns")
    assert "name: loracs" in shown
    assert "standardize: true" in shown
    assert f"name: {path}" in shown
    given = ("--config.data.label=kind", "--config.likelihood.name=laplace", "--show_config")
    shown = run("train", f"--data={path}", *given).stdout
    assert "likelihood laplace, as given" in shown
    failed = run("train", f"--data={tmp_path / 'absent.csv'}", "--run_dir=x", check=False)
    assert failed.returncode == 1
    assert "There is no file or folder" in failed.stderr


def test_a_run_is_resumed_and_evaluated_without_the_flag(tmp_path):
    path = table(tmp_path / "own.csv", RNG.normal(size=(60, 3)), kind=["u", "v"] * 30)
    arguments = [
        "--config=configs/vae/digits.py",
        f"--data={path}",
        "--config.data.label=kind",
        "--config.prior.name=normal",
        "--config.network.hidden=(8,)",
        "--config.train.jit_compile=false",
        f"--run_dir={tmp_path / 'run'}",
        "--noresults",
    ]
    out = run("train", *arguments, "--config.train.epochs=1").stdout
    assert len(out.splitlines()) == 4
    saved = json.loads((tmp_path / "run" / "config.json").read_text())
    assert saved["data"]["name"] == str(path)
    assert saved["likelihood"]["standardize"] is True
    again = run("train", *arguments, "--config.train.epochs=1").stdout
    assert "training is complete after 1 epochs" in again
    out = run("evaluate", f"--run_dir={tmp_path / 'run'}", "--tasks=members", "--num_clusters=3")
    assert out.stdout.split()[-3:] == ["60", "3", "members.csv"]
    members = pandas.read_csv(tmp_path / "run" / "members.csv")
    assert list(members["row"]) == list(range(60))
    assert list(members["label"]) == ["u", "v"] * 30


@pytest.mark.slow
def test_a_run_ends_in_members_pictures_and_a_served_model(tmp_path):
    path = table(tmp_path / "own.csv", RNG.normal(size=(60, 3)), kind=["u", "v"] * 30)
    out = run(
        "train",
        f"--data={path}",
        "--config.data.label=kind",
        "--config.network.hidden=(8,)",
        "--config.prior.start_epoch=1",
        "--config.train.epochs=2",
        f"--run_dir={tmp_path / 'run'}",
    ).stdout
    assert "Members: " in out
    assert "summary_tree.png" in out
    assert "hierarchy" in out.splitlines()[-1]
    assert max(map(len, out.replace(str(tmp_path), "").splitlines())) <= 110
    members = pandas.read_csv(tmp_path / "run" / "members.csv")
    assert len(members) == 60
    root = members["path"].str.split("/").str[0]
    assert root.nunique() == 1
    served = tf.saved_model.load(str(tmp_path / "run" / "export")).signatures
    rows = pandas.read_csv(path).iloc[:, :3].to_numpy("float32")
    answer = served["members"](images=tf.constant(rows))
    for name in ("node", "cluster"):
        np.testing.assert_array_equal(answer[name], members[name])
    np.testing.assert_allclose(answer["probability"], members["probability"], rtol=1e-3)
    assert (tmp_path / "run" / "figures" / "summary.nwk").is_file()
