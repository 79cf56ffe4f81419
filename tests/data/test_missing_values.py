"""Missing values of tables, and what is no number: refused by name, left out, or made means."""

import numpy as np
import pytest
import scipy.sparse

from tfsp import data as tfsp_data

PARTS = ("train", "validation", "test")
N = 80
RNG = np.random.default_rng(1)
WHOLE = RNG.normal(size=(N, 4)) * [1, 5, 9, 2] + 3
WHOLE[RNG.random((N, 4)) < 0.4] = 0  # so that a sparse matrix is one
X = WHOLE.copy()
HOLES = [(3, 1), (3, 2), (17, 1), (41, 3), (77, 1)]
for hole in HOLES:
    X[hole] = np.nan
NAMES = [f"row {i}" for i in range(N)]
FORMS = ("array", "frame", "sparse", "pair")


def make(form, x=X):
    if form == "frame":
        pd = pytest.importorskip("pandas")
        return pd.DataFrame(x, index=NAMES[: len(x)], columns=list("abcd"))
    if form == "sparse":
        return scipy.sparse.csr_array(x)  # NaN is no zero: it is kept
    return (x, np.arange(len(x))) if form == "pair" else x


def message(source, **options):
    with pytest.raises(tfsp_data.DataFormatError) as caught:
        tfsp_data.load(source, **options)
    return str(caught.value)


def rows_of(**options):
    """dict part -> rows, found by a table whose only column is the number of the row."""
    numbers = tfsp_data.load(np.arange(N)[:, None], **options)
    return {part: numbers.arrays(part)[0][:, 0].astype(int) for part in PARTS}


@pytest.mark.parametrize("form", FORMS)
def test_missing_values_are_refused_by_name(form):
    text = message(make(form))
    rows = "row 3, row 17, row 41, row 77" if form == "frame" else "3, 17, 41, 77"
    columns = "'b', 'c', 'd'" if form == "frame" else "1, 2, 3"
    assert f"5 missing values (NaN), in 4 of 80 rows ({rows}), in 3 columns ({columns})" in text
    assert "missing='drop'" in text
    assert "missing='mean'" in text


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_dropped(form):
    data = tfsp_data.load(make(form), missing="drop")
    assert data.info.source.endswith("; 4 rows with missing values left out")
    left = np.array([i for i in range(N) if i not in (3, 17, 41, 77)])
    # The hold-out is that of the rows which are left.
    same = tfsp_data.load(WHOLE[left])
    for part in PARTS:
        x, y = data.arrays(part)
        np.testing.assert_array_equal(x, same.arrays(part)[0])
        if form == "frame":
            assert [
                WHOLE[NAMES.index(n)].astype(np.float32).tolist() for n in data.index(part)
            ] == (x.tolist())
        if form == "pair":
            np.testing.assert_array_equal(x, WHOLE[y].astype(np.float32))


@pytest.mark.parametrize("form", FORMS)
def test_means_are_of_the_training_part_alone(form):
    wild = X.copy()
    rows = rows_of(train_size=40, test_size=20)
    unused = np.setdiff1d(np.arange(N), rows["train"])
    wild[unused] = np.where(np.isnan(X[unused]), np.nan, X[unused] + 1e4)  # must not count
    data = tfsp_data.load(make(form, wild), missing="mean", train_size=40, test_size=20)
    assert data.info.source.endswith("; 5 missing values are column means of the training part")
    means = np.nanmean(wild[rows["train"]], 0)
    expected = np.where(np.isnan(wild), means, wild)
    assert means.max() < 100
    for part in PARTS:
        np.testing.assert_allclose(data.arrays(part)[0], expected[rows[part]], rtol=1e-6)
    assert set(rows["train"]) & {3, 17, 41, 77}
    assert set(unused) & {3, 17, 41, 77}


@pytest.mark.parametrize("form", FORMS)
def test_missing_values_are_left_to_the_model(form):
    data = tfsp_data.load(make(form), missing="model", batch_size=40, shuffle=False)
    assert data.info.source.endswith("; 5 missing values are left to the model")
    rows = rows_of()
    for part in PARTS:
        np.testing.assert_array_equal(data.arrays(part)[0], X[rows[part]].astype(np.float32))
    for batch in data.train.take(1):
        np.testing.assert_array_equal(batch, X[rows["train"][:40]].astype(np.float32))


@pytest.mark.parametrize("form", FORMS)
def test_a_column_without_any_value(form):
    x = X.copy()
    x[:, 2] = np.nan
    column = "'c'" if form == "frame" else "2"
    for missing in ("mean", "model"):
        assert f"no value in 1 column ({column})" in message(make(form, x), missing=missing)
    assert "every row has a missing value" in message(make(form, x), missing="drop")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
@pytest.mark.parametrize("missing", ["error", "drop", "mean", "model"])
def test_infinite_values_are_refused(form, value, missing):
    x = WHOLE.copy()
    x[5, 1] = value
    text = message(make(form, x), missing=missing)
    assert "has 1 infinite values" in text
    assert ("(row 5), in 1 column ('b')" if form == "frame" else "(5), in 1 column (1)") in text


@pytest.mark.parametrize("kind", ["float", "object", "NA", "category"])
def test_missing_labels(kind):
    pd = pytest.importorskip("pandas")
    labels = {
        "float": np.where(np.arange(N) < 2, np.nan, 4),
        "object": np.array([None, np.nan, *["cat"] * (N - 2)], object),
        "NA": pd.array([None, None, *[7] * (N - 2)], "Int64"),
        "category": pd.Categorical([None, None, *["cat"] * (N - 2)]),
    }[kind]
    frame = make("frame", WHOLE).assign(kind=labels)
    text = message(frame, label="kind")
    assert "label 'kind'" in text
    assert "2 of 80 rows have no label" in text
    data = tfsp_data.load(frame, label="kind", missing="drop")
    assert data.info.num_train == 64  # of 78, a tenth each is held out
    assert data.info.num_classes == 1
    pair = (WHOLE, frame["kind"])
    assert "missing='drop'" in message(pair, missing="mean")
    assert tfsp_data.load(pair, missing="drop").info.num_classes == 1


def test_no_column_but_numbers():
    pd = pytest.importorskip("pandas")
    frame = make("frame", WHOLE)
    for name, values, said in (
        ("kind", ["cat", "dog"] * 40, "holds text .*cat, dog.*categorical='code'.*get_dummies"),
        ("day", pd.date_range("2020-01-01", periods=N), "holds dates.*2020-01-01.*dt.days"),
        ("took", pd.to_timedelta(np.arange(N), "h"), "holds dates.*total_seconds"),
        ("month", pd.period_range("2020-01", periods=N, freq="M"), "holds dates"),
        ("level", pd.Categorical([1, 2] * 40), "holds categories.*first values 1, 2.*get_dummies"),
        ("wave", np.full(N, 1j), "complex numbers.*real"),
        ("age", ["?", *["7"] * 79], r"numbers but for '\?'.*to_numeric\(frame\['age'\]"),
        ("stamps", np.array([pd.Timestamp(0).date()] * N, object), "holds dates"),
    ):
        text = message(frame.assign(**{name: values}))
        assert f"column {name!r}" in text
        with pytest.raises(tfsp_data.DataFormatError, match=said):
            tfsp_data.load(frame.assign(**{name: values}))
        assert f"drop(columns=['{name}'])" in text
        assert "label=" in text
    many = frame.assign(**{f"t{i}": "text" for i in range(9)})
    text = message(many)
    assert "'t0'" in text
    assert "nor are 't3', 't4'" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(binarization="dynamic"), "is a table.*binarization='none'.*table=False"),
        (dict(image_size=4), "is a table.*image_size=None"),
        (dict(missing="zero"), "`missing` must be one of error, drop, mean, model"),
        (dict(categorical="codes"), "`categorical` must be 'error' or 'code'"),
        (dict(table="yes"), "`table` must be True, False or None"),
        (dict(table=False, missing="drop"), "Only a table takes missing"),
        (dict(noise=3), "not take 'noise'. It takes: label, index, missing, categorical, layer"),
        (dict(label="kind"), "has no names, so that label='kind' means nothing"),
        (dict(layer="raw"), "has no names, so that layer='raw'"),
        (dict(label="a", index="a"), "either the class or the name of a row"),
        (dict(split="thin"), "Unknown split 'thin'"),
    ],
)
def test_options_that_do_not_fit(options, said):
    with pytest.raises(ValueError, match=said):
        tfsp_data.load(WHOLE, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(label="kind"), "no column 'kind', which `label` names. Its columns: 'a', 'b', 'c'"),
        (dict(index="who"), "no column 'who', which `index` names"),
        (dict(layer="raw"), "DataFrame, which has no layers"),
    ],
)
def test_names_that_a_frame_lacks(options, said):
    with pytest.raises(tfsp_data.DataFormatError, match=said):
        tfsp_data.load(make("frame", WHOLE), **options)


def test_labels_and_rows_must_belong_together():
    pd = pytest.importorskip("pandas")
    frame = make("frame", WHOLE)
    labels = pd.Series(np.arange(N), index=NAMES)
    assert "different indices. Pass y.loc[x.index]" in message((frame, labels[::-1]))
    assert "given twice" in message((frame, labels), label="a")
    assert "2 columns 'a'" in message(frame.rename(columns={"b": "a"}), label="a")
    assert "in another order" in message({"x_train": frame, "x_test": frame[list("badc")]})
    other = frame.rename(columns={"c": "z"})
    assert "only one of them has 'c', 'z'" in message({"x_train": frame, "x_test": other})
    assert "numbers of columns" in message({"x_train": WHOLE, "x_test": WHOLE[:, :2]})
    assert "some parts have labels" in message(
        {"x_train": WHOLE, "x_test": WHOLE, "y_train": np.arange(N)}
    )
    assert "no examples" in message(frame[:0])
    assert r"shape (80, 0)" in message(frame[["a"]], label="a")


def test_bytes_beside_a_table_are_unclear():
    counts = RNG.integers(0, 200, (N, 4)).astype(np.uint8)
    given = {"x_train": counts, "x_test": counts.astype(np.int64)}
    assert "pass table=true" in message(given).lower()
    data = tfsp_data.load(given, table=True)
    np.testing.assert_array_equal(data.arrays("test")[0], counts)


@pytest.mark.parametrize("shape", [(N,), (N, 2, 2)])
def test_a_table_has_two_axes(shape):
    assert "must be a table of shape [n, D]" in message(np.full(shape, 7.0), table=True)
