"""Tables: every source gives the same numbers, names, labels and parts."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from tfsp import data as tfsp_data
from tfsp import networks
from tfsp.data import DataInfo
from tfsp.models import VAE

PARTS = ("train", "validation", "test")
RNG = np.random.default_rng(0)
X = np.round(RNG.normal(size=(60, 3)) * [1, 10, 100], 3)
X[:, 2] = RNG.poisson(3, 60)
Y = RNG.integers(0, 3, 60)
KINDS = np.array(["red", "green", "blue"])[Y]
CODES = np.array([2, 1, 0])[Y]  # of the sorted names
NAMES = np.array([f"row {i}" for i in range(60)])
COLUMNS = ("a", "b", "n")


@pytest.fixture(scope="module")
def pd():
    return pytest.importorskip("pandas")


@pytest.fixture
def frame(pd):
    """Columns a, b, n and kind, rows with names."""
    found = pd.DataFrame(X, columns=list(COLUMNS), index=NAMES)
    return found.astype({"n": "int64"}).assign(kind=KINDS)


@dataclasses.dataclass
class Annotated:
    """What of an AnnData object is read."""

    X: object
    obs: dict
    obs_names: object
    var_names: object = COLUMNS
    layers: dict = dataclasses.field(default_factory=dict)


@pytest.fixture
def sources(frame, tmp_path):
    """dict name -> function that makes (source, options, which names it has)."""
    numbers = frame.drop(columns="kind")
    everything = {"columns", "index", "class_names"}
    shuffled = frame[["kind", "a", "b", "n"]]

    def write(name):
        path = tmp_path / name
        if path.suffix == ".parquet":
            pytest.importorskip("pyarrow")
            shuffled.to_parquet(path)
        else:
            shuffled.to_csv(path, sep="\t" if ".tsv" in name else ",")
        return path

    named = shuffled.rename_axis("who").reset_index()
    return {
        "array": lambda: (X, {}, set()),
        "float32": lambda: (X.astype(np.float32), {}, set()),
        "list": lambda: (X.tolist(), {}, set()),
        "tensor": lambda: (tf.constant(X), {}, set()),
        "pair": lambda: ((X, KINDS), {}, {"class_names"}),
        "pair of frame and series": lambda: ((numbers, frame["kind"]), {}, everything),
        "pair of sparse": lambda: ((scipy.sparse.csc_matrix(X), KINDS), {}, {"class_names"}),
        "dict": lambda: ({"x": X, "y": KINDS.tolist()}, {}, {"class_names"}),
        "frame": lambda: (frame, {"label": "kind"}, everything),
        "frame with names": lambda: (named, {"label": "kind", "index": "who"}, everything),
        "category": lambda: (frame.astype({"kind": "category"}), {"label": "kind"}, everything),
        "sparse": lambda: (scipy.sparse.coo_array(X), {}, set()),
        "sparse frame": lambda: (numbers.astype("Sparse[float64]"), {}, {"columns", "index"}),
        "csv": lambda: (write("t.csv"), {"label": "kind"}, everything),
        "csv by str": lambda: (str(write("t.csv")), {"label": "kind"}, everything),
        "tsv": lambda: (write("t.tsv"), {"label": "kind"}, everything),
        "csv.gz": lambda: (write("t.csv.gz"), {"label": "kind"}, everything),
        "parquet": lambda: (write("t.parquet"), {"label": "kind"}, everything),
        "AnnData": lambda: (Annotated(X, {"kind": KINDS}, NAMES), {"label": "kind"}, everything),
        "layer": lambda: (
            Annotated(X * 0, {}, NAMES, layers={"raw": scipy.sparse.csr_matrix(X)}),
            {"layer": "raw"},
            {"columns", "index"},
        ),
    }


SOURCES = (
    *("array", "float32", "list", "tensor", "pair", "pair of frame and series", "pair of sparse"),
    *("dict", "frame", "frame with names", "category", "sparse", "sparse frame", "csv"),
    *("csv by str", "tsv", "csv.gz", "parquet", "AnnData", "layer"),
)


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_gives_the_same(sources, name):
    source, options, has = sources[name]()
    data = tfsp_data.load(source, batch_size=7, **options)
    info = data.info
    assert (info.kind, info.image_shape, info.binarization) == ("table", (3,), "none")
    assert info.columns == (COLUMNS if "columns" in has else None)
    assert info.class_names == (("blue", "green", "red") if "class_names" in has else None)
    assert info.num_classes == (3 if "class_names" in has else None)
    # The rows of the parts are those of an array of numbers that are told apart.
    places = tfsp_data.load(np.arange(60, dtype=np.float32)[:, None] / 60)
    for part in PARTS:
        x, y = data.arrays(part)
        rows = np.rint(places.arrays(part)[0][:, 0] * 60).astype(int)
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        np.testing.assert_array_equal(x, X[rows].astype(np.float32))
        if "class_names" in has:
            np.testing.assert_array_equal(y, CODES[rows])
        else:
            assert y is None
        names = data.index(part)
        assert (names is None) == ("index" not in has)
        if names is not None:
            assert names.tolist() == NAMES[rows].tolist()
            few = data.arrays(part, limit=4)[0]
            taken = [NAMES.tolist().index(n) for n in data.index(part, limit=4)]
            np.testing.assert_array_equal(few, X[taken].astype(np.float32))
    np.testing.assert_array_equal(np.concatenate(list(data.test)), data.arrays("test")[0])
    json.dumps(info.to_dict())


def test_parts_of_a_dict(frame):
    given = {"x_train": frame[:40], "x_test": frame[40:]}
    data = tfsp_data.load(given, label="kind", labels=True)
    assert (data.info.num_train, data.info.num_validation, data.info.num_test) == (36, 4, 20)
    np.testing.assert_array_equal(data.arrays("test")[0], X[40:].astype(np.float32))
    np.testing.assert_array_equal(data.arrays("test")[1], CODES[40:])
    assert data.index("test").tolist() == NAMES[40:].tolist()
    # Names of classes are of all parts; sparse parts beside dense ones; rows without names.
    given = {
        "x_train": frame[["a", "b", "n"]][:40],
        "x_test": scipy.sparse.csr_array(X[40:]),
        "y_train": np.where(KINDS == "red", "blue", KINDS)[:40],
        "y_test": KINDS[40:],
    }
    mixed = tfsp_data.load(given)
    assert mixed.info.class_names == ("blue", "green", "red")
    assert mixed.info.columns == COLUMNS
    assert mixed.index("test")[:2].tolist() == ["0", "1"]
    assert set(mixed.index("train")) < set(NAMES)
    np.testing.assert_array_equal(mixed.arrays("test")[0], X[40:].astype(np.float32))
    np.testing.assert_array_equal(mixed.arrays("test")[1], CODES[40:])


@pytest.mark.parametrize(
    ("x", "options", "kind"),
    [
        (np.array([[0.0, 1.0], [0.5, 1.0]] * 9), {}, "images"),
        (np.array([[0.0, 1.0], [0.5, 1.01]] * 9), {}, "table"),
        (np.array([[0.0, 1.0], [0.5, 1.01]] * 9, np.float16), {}, "table"),
        (np.array([[0.0, 1.0], [0.5, 1.0]] * 9), {"table": True}, "table"),
        (np.array([[0, 1], [200, 7]] * 9, np.uint8), {}, "images"),
        (np.array([[0, 1], [200, 7]] * 9, np.uint8), {"table": True}, "table"),
        (np.array([[0, 1], [200, 7]] * 9, np.uint8), {"missing": "mean"}, "table"),
        (np.array([[0, 1], [1, 1]] * 9, np.int64), {}, "table"),
        (np.array([[0, 70_000], [1, 1]] * 9, np.uint32), {}, "table"),
        (np.array([[True, False]] * 18), {}, "images"),
    ],
)
def test_what_is_a_table(x, options, kind):
    data = tfsp_data.load(x, **options)
    assert data.info.kind == kind
    scale = 255 if x.dtype == np.uint8 and kind == "images" else 1
    expected = x[-1:].astype(np.float32) / np.float32(scale)
    found = np.concatenate([data.arrays(part)[0] for part in PARTS])
    assert (found == expected).all(1).any()
    assert found.max() == np.float32(x.max()) / np.float32(scale)


def test_a_given_array_is_not_changed():
    x = np.array([[0, np.nan], [3, 5], [4, 7]] * 10, np.float32)
    before = x.copy()
    tfsp_data.load(x, missing="mean")
    np.testing.assert_array_equal(x, before)
    doubled = scipy.sparse.csr_array((np.ones(4), np.zeros(4, int), np.arange(0, 5, 2)), (2, 2))
    both = scipy.sparse.vstack([doubled] * 10, format="csr")
    data = tfsp_data.load(both)
    assert both.nnz == 40
    np.testing.assert_array_equal(data.arrays("test")[0], [[2, 0]] * 2)


def test_flat_images_of_a_frame(pd):
    """A DataFrame of pixels becomes images where it is said that it is no table."""
    pixels = RNG.integers(0, 256, (40, 9)).astype(np.uint8)
    data = tfsp_data.load(pd.DataFrame(pixels), table=False, binarization="dynamic")
    assert data.info.kind == "images"
    assert set(np.unique(data.arrays("test")[0])) == {0, 1}


def test_columns_that_are_numbers(pd):
    """Bools, nullable and Arrow numbers, objects, constants; names that are no strings."""
    n = 30
    columns = {
        "bool": [True, False] * 15,
        "nullable": pd.array([1, None, 3] * 10, "Int64"),
        "maybe": pd.array([True, None, False] * 10, "boolean"),
        "objects": np.array([1, 2.5, None] * 10, object),
        "constant": [5.0] * n,
        7: np.arange(n, dtype=np.int8),
        ("a", "b"): np.arange(n, dtype=np.uint64),
    }
    expected = [
        [1, 0] * 15,
        [1, np.nan, 3] * 10,
        [1, np.nan, 0] * 10,
        [1, 2.5, np.nan] * 10,
        [5] * n,
        np.arange(n),
        np.arange(n),
    ]
    try:
        columns["arrow"] = pd.array([0.5, None, -1] * 10, "float64[pyarrow]")
        expected.append([0.5, np.nan, -1] * 10)
    except ImportError:
        pass
    frame = pd.DataFrame(columns)
    whole = np.array(expected, np.float32).T
    held = dict(validation_size=0, test_size=0)
    data = tfsp_data.load(frame, missing="drop", **held)
    np.testing.assert_array_equal(data.arrays("train")[0], whole[~np.isnan(whole).any(1)])
    assert data.info.columns[-3 if len(columns) == 8 else -2 :][:2] == ("7", "a, b")
    means = np.where(np.isnan(whole), np.nanmean(whole, 0), whole)
    data = tfsp_data.load(frame, missing="mean", **held)
    np.testing.assert_allclose(data.arrays("train")[0], means, rtol=1e-6)


def test_a_default_index_names_nothing(frame):
    plain = frame.drop(columns="kind")
    assert tfsp_data.load(plain.reset_index(drop=True)).index("train") is None
    filtered = plain.reset_index(drop=True)[X[:, 0] > 0]
    names = tfsp_data.load(filtered, validation_size=0, test_size=0).index("train")
    assert names.tolist() == [str(i) for i in np.flatnonzero(X[:, 0] > 0)]
    levels = plain.set_index([np.arange(60) // 2, np.arange(60) % 2])
    assert tfsp_data.load(levels, validation_size=0, test_size=0).index("train")[3] == "1, 1"


def test_labels_that_are_text():
    """Of images too; `classes` takes their names, and keeps the codes."""
    images = np.broadcast_to(np.arange(60, dtype=np.uint8)[:, None, None] * 4, (60, 2, 2))
    for labels in (KINDS, KINDS.tolist(), KINDS.astype("S"), KINDS.astype(object), KINDS[:, None]):
        data = tfsp_data.load((images, labels), classes=("red", "blue"), labels=True)
        assert data.info.class_names == ("blue", "green", "red")
        assert (data.info.num_classes, data.info.kind) == (2, "images")
        for part in PARTS:
            x, y = data.arrays(part)
            assert y.dtype == np.int32
            np.testing.assert_array_equal(y, CODES[np.rint(x[:, 0, 0, 0] * 255 / 4).astype(int)])
    with pytest.raises(ValueError, match="'pink'.*Known: 'blue', 'green', 'red'"):
        tfsp_data.load((images, KINDS), classes=("pink",))
    with pytest.raises(ValueError, match="'red'.*labels are numbers"):
        tfsp_data.load((images, Y), classes=("red",))
    assert tfsp_data.load((images, Y)).info.class_names is None
    with pytest.raises(ValueError, match="some parts are numbers, and those of others are text"):
        tfsp_data.load({"x_train": X, "y_train": Y, "x_test": X, "y_test": KINDS})


def test_text_labels_in_files(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=KINDS)
    assert tfsp_data.load(tmp_path / "a.npz").info.class_names == ("blue", "green", "red")


def test_an_older_record_is_read():
    old = dict(name="digits", image_shape=(8, 8, 1), num_train=9, num_validation=1, num_test=1)
    old |= dict(num_classes=10, binarization="none", split="standard", source="scikit-learn")
    info = DataInfo(**old)
    assert (info.kind, info.columns, info.class_names) == ("images", None, None)
    assert info.to_dict()["image_shape"] == [8, 8, 1]


def test_many_columns_are_not_printed(pd):
    wide = pd.DataFrame(np.zeros((20, 500)), columns=[f"gene {i}" for i in range(500)])
    data = tfsp_data.load(wide)
    assert len(data.info.to_dict()["columns"]) == 500
    assert len(repr(data)) < 400


def test_a_vae_fits_wine(pd):
    """A Gaussian VAE on standardised columns tells more than independent Gaussians do."""
    datasets = pytest.importorskip("sklearn.datasets")
    frame = datasets.load_wine(as_frame=True).frame
    features = frame.columns.drop("target")
    frame[features] = (frame[features] - frame[features].mean()) / frame[features].std()
    data = tfsp_data.load(frame, label="target", batch_size=36)
    assert (data.info.num_classes, data.info.class_names) == (3, None)
    likelihood = {"name": "gaussian"}
    model = VAE(networks.MLP(hidden=(32,)), likelihood=likelihood, latent_dim=2, seed=0)
    model.compile("adam", jit_compile=False)
    model.optimizer.learning_rate = 1e-2
    model.fit(data.train_stream(), steps_per_epoch=100, verbose=0)
    x, _ = data.arrays("train")
    elbo = model.evaluate(x, verbose=0, return_dict=True)["elbo"]
    apart = -0.5 * (np.log(2 * np.pi * x.var(0)) + 1).sum()
    assert elbo > apart + 1
