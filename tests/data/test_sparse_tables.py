"""Sparse tables: every batch is that of the dense table, and the whole is never dense."""

import itertools
import pathlib
import tracemalloc

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
from marks import slow_but

from tfsp import data as tfsp_data

PARTS = ("train", "validation", "test")
N, D = 70, 9
RNG = np.random.default_rng(0)
MATRIX = scipy.sparse.random_array((N, D), density=0.2, rng=RNG, format="csr") * 50
MATRIX[[4, 11]] *= 0  # rows without a value
MATRIX.eliminate_zeros()
LABELS = RNG.integers(0, 4, N)


@pytest.mark.parametrize(
    ("shuffle", "labels"), slow_but([(True, True)], [(True, True), (False, False)])
)
def test_batches_are_those_of_the_dense_table(shuffle, labels):
    options = dict(batch_size=8, labels=labels, shuffle=shuffle, seed=5)
    sparse = tfsp_data.load((MATRIX, LABELS), **options)
    dense = tfsp_data.load((MATRIX.toarray(), LABELS), **options)
    for one, other in (
        (sparse.train, dense.train),
        (sparse.validation, dense.validation),
        (sparse.test, dense.test),
        (sparse.train_stream(2, index=True).take(9), dense.train_stream(2, index=True).take(9)),
    ):
        assert int(one.cardinality()) == int(other.cardinality())
        assert one.element_spec == other.element_spec
        for found, expected in zip(one, other, strict=True):
            tf.nest.map_structure(np.testing.assert_array_equal, found, expected)
    for part in PARTS:
        for limit in (None, 3):
            for found, expected in zip(
                sparse.arrays(part, limit), dense.arrays(part, limit), strict=True
            ):
                np.testing.assert_array_equal(found, expected)
                assert found.dtype == expected.dtype


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "bsr", "dia", "dok", "lil"])
@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.uint8, bool])
def test_every_form_and_dtype(form, dtype):
    matrix = (MATRIX * 4).astype(dtype).asformat(form)
    for given in (matrix, {"bsr": scipy.sparse.bsr_matrix}.get(form, type(matrix))(matrix)):
        data = tfsp_data.load(given, validation_size=0, test_size=0)
        np.testing.assert_array_equal(data.arrays("train")[0], matrix.toarray().astype(np.float32))


def test_classes_and_sizes():
    options = dict(classes=(1, 3), train_size=10)
    sparse = tfsp_data.load((MATRIX, LABELS), **options)
    dense = tfsp_data.load((MATRIX.toarray(), LABELS), **options)
    for part in PARTS:
        np.testing.assert_array_equal(sparse.arrays(part)[0], dense.arrays(part)[0])


def test_sparse_files(tmp_path):
    for form in ("csr", "coo"):
        scipy.sparse.save_npz(tmp_path / "s.npz", MATRIX.asformat(form))
        data = tfsp_data.load(tmp_path / "s.npz", validation_size=0, test_size=0)
        np.testing.assert_array_equal(data.arrays("train")[0], MATRIX.toarray().astype(np.float32))
    np.savez(tmp_path / "bad.npz", format=b"csr", shape=(2, 2), data=np.zeros(3))
    with pytest.raises(tfsp_data.DataFormatError, match="bad.npz cannot be read as a sparse"):
        tfsp_data.load(tmp_path / "bad.npz")


@pytest.mark.parametrize(
    ("matrix", "said"),
    [
        (MATRIX * 1j, "real numbers. Received dtype complex128"),
        (scipy.sparse.coo_array(np.arange(9.0)), r"shape \[n, D\]"),
        (MATRIX[:0], "no examples"),
    ],
)
def test_matrices_that_are_no_tables(matrix, said):
    with pytest.raises(tfsp_data.DataFormatError, match=said):
        tfsp_data.load(matrix)


def _resident():
    """Bytes of this process in memory, TensorFlow's among them."""
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        pytest.skip("needs /proc")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def test_the_whole_is_never_dense():
    """A table that takes 320 MB when dense is read, trained on and evaluated in a tenth of that.

    200,000 x 2,000 of this density would be 1.6 GB dense and is 32 MB here, twice.
    """
    n, d = 40_000, 2_000
    rows = np.repeat(np.arange(n), 20)
    columns = RNG.integers(0, d, n * 20)
    matrix = scipy.sparse.csr_array((np.ones(n * 20, np.float32), (rows, columns)), (n, d))
    dense = 4 * n * d
    before = _resident()
    tracemalloc.start()
    data = tfsp_data.load(matrix, batch_size=50)
    resident = 0
    for batches in (data.train_stream().take(100), data.test):
        total = 0
        for x in batches:
            total += int(tf.math.count_nonzero(x))
            resident = max(resident, _resident())
        assert total > 10_000
    few = data.arrays("train", limit=100)[0]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert few.shape == (100, d)
    assert peak < dense / 8  # NumPy's
    assert resident - before < dense / 4  # TensorFlow's and all else


def test_an_epoch_is_every_row_once():
    data = tfsp_data.load(
        scipy.sparse.diags_array(np.arange(1.0, 101)).tocsr(),
        batch_size=10,
        validation_size=0,
        test_size=0,
    )
    seen = np.concatenate(list(itertools.islice(data.train_stream(), 10)))
    np.testing.assert_array_equal(np.sort(seen.sum(1)), np.arange(1, 101))
