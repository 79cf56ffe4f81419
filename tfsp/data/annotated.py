"""Single-cell data: AnnData objects and .h5ad files, read without the anndata library.

The format is that of https://anndata.readthedocs.io/en/latest/fileformat-prose.html; files of
anndata 0.7 (2020) and later are read.
"""

import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tfsp.data import table_values
from tfsp.data.arrays import label_vector, plain
from tfsp.data.errors import DataFormatError, DataNotFoundError
from tfsp.data.left_out import listed
from tfsp.data.table_frames import row_names
from tfsp.data.table_rows import Options, Rows

_NAMED = 20


def is_annotated(value: Any) -> bool:
    """Whether something is an AnnData object, or an `H5adFile`."""
    # Not by X: to ask for it may copy or read it.
    return all(hasattr(value, name) for name in ("layers", "obs", "obs_names", "var_names"))


def rows(data: Any, options: Options, what: str) -> Rows:
    """The rows (observations, such as cells) of an AnnData object or an `H5adFile`.

    Args:
      data: the columns are its variables, such as genes.
      options: `layer` is read in place of X; `label` and `index` name columns of `obs`. Without
        `index` the names of the observations are the rows'.
      what: name of the object in messages.

    Raises:
      DataFormatError: for a layer or column that is absent, and where X is.
    """
    if getattr(data, "isbacked", False):
        data = data.to_memory()
    if options.layer is None:
        values = data.X
    elif options.layer in data.layers:
        values = data.layers[options.layer]
    else:
        raise DataFormatError(
            f"{what} has no layer {options.layer!r}. {_layers(data)} Leave `layer` out for X."
        )
    if values is None:
        raise DataFormatError(f"{what} has no X. {_layers(data)} Name one by layer=.")
    if table_values.is_sparse(values):
        values = table_values.sparse(values, what)
    else:
        values = table_values.dense(plain(values, what), what)
    labels = None
    if options.label is not None:
        labels = label_vector(_obs(data, options.label, "label", what), len(data.obs_names), what)
    index = data.obs_names
    if options.index is not None:
        index = _obs(data, options.index, "index", what)
    return Rows(values, labels, tuple(str(name) for name in data.var_names), row_names(index))


def _layers(data):
    names = listed([repr(name) for name in data.layers], _NAMED)
    return f"Its layers: {names}." if names else "It has no layers."


def _obs(data, column, option, what):
    if column not in data.obs:
        names = listed([repr(name) for name in data.obs], _NAMED)
        raise DataFormatError(
            f"{what} has no column {column!r} of obs, which `{option}` names. Its columns: "
            f"{names or 'none'}."
        )
    return data.obs[column]


class H5adFile:
    """An .h5ad file with the attributes of an AnnData object that `rows` reads.

    Args:
      path: pathlib.Path.

    Raises:
      DataNotFoundError: if there is no such file.
      DataFormatError: names the file, here if it is none of AnnData, later if a part of it is
        damaged or of a kind that is not known.
    """

    def __init__(self, path: pathlib.Path) -> None:
        if not path.is_file():
            raise DataNotFoundError(f"There is no file {path}.")
        self._path = path
        self.obs_names = self._read(lambda file: _index(file["obs"]))
        self.var_names = self._read(lambda file: _index(file["var"]))
        self.obs = _Columns(
            self._read(lambda file: _column_names(file["obs"])),
            lambda name: self._read(lambda file: _column(file["obs"], name)),
        )
        self.layers = _Columns(
            self._read(lambda file: list(file.get("layers", ()))),
            lambda name: self._read(lambda file: _matrix(file["layers"][name])),
        )

    @property
    def X(self) -> Any:
        """NumPy array or SciPy sparse array [n, D], or None."""
        return self._read(lambda file: _matrix(file["X"]) if "X" in file else None)

    def _read(self, reader):
        import h5py

        try:
            with h5py.File(self._path, "r") as file:
                return reader(file)
        except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
            raise DataFormatError(
                f"{self._path} cannot be read as an .h5ad file of AnnData 0.7 or later: it is "
                f"damaged, older or something else. ({type(error).__name__}: {error}) Where "
                "anndata reads it, pass the object: tfsp.data.load(anndata.read_h5ad(path))."
            ) from error


class _Columns:
    """Names, and what is read when one is asked for."""

    def __init__(self, names: list[str], reader: Callable[[str], Any]) -> None:
        self._names = names
        self._reader = reader

    def __contains__(self, name):
        return name in self._names

    def __iter__(self):
        return iter(self._names)

    def __getitem__(self, name):
        return self._reader(name)


def _index(frame):
    return _vector(frame[frame.attrs["_index"]])


def _column_names(frame):
    own = {frame.attrs["_index"], "__categories"}
    return [name for name in frame if name not in own]


def _column(frame, name):
    node = frame[name]
    if "categories" in node.attrs:  # anndata 0.7: codes beside a reference to their names
        return _named(node[()], _vector(frame.file[node.attrs["categories"]]))
    return _vector(node)


def _vector(node):
    """[n] of a column: plain, of categories, or with a mask of what is missing."""
    import h5py

    if isinstance(node, h5py.Dataset):
        return node.asstr()[()] if h5py.check_string_dtype(node.dtype) else node[()]
    if "codes" in node:
        return _named(node["codes"][()], _vector(node["categories"]))
    values, mask = _vector(node["values"]), node["mask"][()].astype(bool)
    return np.where(mask, None, values.astype(object)) if mask.any() else values


def _named(codes, categories):
    """The category of each code; None for -1, a missing one."""
    if (codes >= 0).all():
        return categories[codes]
    values = np.full(len(codes), None, object)
    values[codes >= 0] = categories[codes[codes >= 0]]
    return values


def _matrix(node):
    import h5py
    import scipy.sparse

    if isinstance(node, h5py.Dataset):
        if node.attrs.get("encoding-type") == "null" or node.shape is None:
            return None
        return node[()]
    forms = {"csr_matrix": scipy.sparse.csr_array, "csc_matrix": scipy.sparse.csc_array}
    kind = node.attrs["encoding-type"]
    if kind not in forms:
        raise ValueError(f"a matrix of the kind {kind!r}")
    parts = (node["data"][()], node["indices"][()], node["indptr"][()])
    return forms[kind](parts, shape=tuple(int(side) for side in node.attrs["shape"]))
