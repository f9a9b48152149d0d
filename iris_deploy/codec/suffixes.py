"""What the name of a file says of the table in it: its format, and its compression."""

from pathlib import PurePath
from typing import Final, NamedTuple

from iris_deploy.errors import DatasetError

COMPRESSIONS: Final = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
"""As Arrow calls them."""

TABLES: Final = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
"""Of tables that are read, before that of a compression."""


class Format(NamedTuple):
    """How a table stands in a file.

    Parameters
    ----------
    suffix : str
        One of `TABLES`, or of what else a caller reads.
    compression : str or None
        A value of `COMPRESSIONS`.
    """

    suffix: str
    compression: str | None


def read_format(path: PurePath, known: tuple[str, ...] = TABLES) -> Format:
    """Return what the name of a file says.

    Parameters
    ----------
    path : PurePath
    known : tuple of str
        Suffixes that are taken.

    Raises
    ------
    DatasetError
        If the suffix is none of these.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    if compression:
        suffixes.pop()
    if not suffixes or suffixes[-1] not in known:
        raise DatasetError(
            f"{path}: expected a file ending in {', '.join(known)}, or in one of these and "
            f"{', '.join(COMPRESSIONS)}",
            hint="rename it, or write it as one of these",
        )
    return Format(suffixes[-1], compression)
