"""The two errors of reading data: it is not there, or it is not what it should be."""


class DataNotFoundError(FileNotFoundError):
    """A data set, file or folder is absent. The message says where it was sought."""


class DataFormatError(ValueError):
    """A file is damaged, cut short or holds something else. The message names the file."""
