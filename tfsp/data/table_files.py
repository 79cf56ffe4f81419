"""Files of tables: .csv, .tsv, .parquet, .h5ad, and .npz of a sparse matrix."""

import pathlib
from typing import Any

from tfsp.data.annotated import H5adFile
from tfsp.data.errors import DataFormatError, DataNotFoundError

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet", ".h5ad")


def is_table_file(path: pathlib.Path) -> bool:
    """Whether the name of a path ends as that of a table."""
    return path.name.lower().endswith(SUFFIXES)


def read(path: pathlib.Path) -> Any:
    """What a file of a table holds: a pandas DataFrame, or an `H5adFile`.

    The first line of a .csv or .tsv file names the columns. A first column without a name is the
    index, as pandas writes it.

    Args:
      path: pathlib.Path; see `is_table_file`.

    Raises:
      DataNotFoundError: if there is no such file.
      DataFormatError: if it cannot be read, and for a first line of numbers.
      ImportError: if pandas or pyarrow is missing, with the command that installs them.
    """
    if not path.is_file():
        raise DataNotFoundError(f"There is no file {path}.")
    name = path.name.lower()
    if name.endswith(".h5ad"):
        return H5adFile(path)
    pandas = _pandas(path)
    try:
        if name.endswith(".parquet"):
            return pandas.read_parquet(path)
        return _read_text(pandas, path, "\t" if ".tsv" in name[-7:] else ",")
    except ImportError as error:
        raise ImportError(_install(path, "pyarrow")) from error
    except DataFormatError:
        raise
    except UnicodeDecodeError as error:
        raise DataFormatError(
            f"{path} is not in UTF-8 ({error}). Save it as UTF-8, or pass pandas.read_csv(path, "
            "encoding=...)."
        ) from error
    except (OSError, EOFError, ValueError) as error:  # pandas' and pyarrow's errors are of these
        raise DataFormatError(
            f"{path} cannot be read as a table: it is damaged, cut short or something else. "
            f"({type(error).__name__}: {str(error).strip()})"
        ) from error


def _read_text(pandas, path, separator):
    first = pandas.read_csv(path, sep=separator, header=None, nrows=1, skipinitialspace=True)
    names = first.iloc[0].tolist()
    numbers = all(isinstance(name, int | float) and name == name for name in names)
    if numbers and names != list(range(len(names))):
        raise DataFormatError(
            f"{path}: the first line must name the columns, but holds numbers only. Write names "
            "above, or pass pandas.read_csv(path, header=None), whose columns are 0, 1, ..."
        )
    if len(names) == 1 and ";" in str(names[0]):
        raise DataFormatError(
            f"{path} has semicolons between its values. Expected {separator!r}. Pass "
            "pandas.read_csv(path, sep=';'), with decimal=',' where numbers have commas."
        )
    frame = pandas.read_csv(path, sep=separator, skipinitialspace=True)
    return frame.set_index(frame.columns[0]) if names[0] != names[0] else frame


def _pandas(path):
    try:
        import pandas
    except ImportError as error:
        raise ImportError(_install(path, "pandas")) from error
    return pandas


def _install(path, library):
    return f"{path} is read by {library}, which is not installed: pip install 'tfsp[tables]'"


def read_sparse(path: pathlib.Path) -> Any:
    """The SciPy sparse matrix in an .npz file by `scipy.sparse.save_npz`.

    Raises:
      DataFormatError: if it is damaged.
    """
    import scipy.sparse

    try:
        return scipy.sparse.load_npz(path)
    except Exception as error:  # a damaged file shows as nearly any kind of error
        raise DataFormatError(
            f"{path} cannot be read as a sparse matrix: it is damaged or something else. "
            f"({type(error).__name__}: {error})"
        ) from error
