"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Lines and numbers of the small text files that come with a data set.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError, shown
from ..model_utils.files import is_file

_MOST_BYTES = 1 << 26  # a list of 72000 frames has 3 MB
_LARGEST = 1e18  # no number of such a file comes near it, and its square is still finite


def read_lines(path: str | Path) -> list[str]:
    """The lines of a text file without their ends; empty lines at the end of the file are dropped.

    Raises:
        InputError: missing, unreadable, or not text.
    """
    path = Path(path)
    if not is_file(path):
        raise InputError(f"{path} is missing")
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(
            f"{path} has more than {_MOST_BYTES >> 20} MiB: not a text file of this kind"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as err:
        raise InputError(f"{path}: {err.strerror or 'cannot be read'}") from None
    except ValueError:
        raise InputError(f"{path} is damaged: not UTF-8 text") from None
    lines = text.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return [line.rstrip("\r") for line in lines]


def parse_numbers(text: str, count: int, where: str, separator: str | None = None) -> np.ndarray:
    """`count` finite numbers of a line.

    Args:
        text: the line.
        count: how many numbers it must hold.
        where: file and line for the error.
        separator: what stands between them; None is white space.
    Returns:
        (count,) float64.
    Raises:
        InputError: another count, or something that is not a finite number.
    """
    words = text.split(separator)
    try:
        values = np.array([float(word) for word in words], np.float64)
    except ValueError:
        values = np.full(1, np.nan)
    if not (np.abs(values) <= _LARGEST).all():
        raise InputError(f"{where}: expected {count} finite numbers, got {shown(text)}")
    if len(values) != count:
        raise InputError(f"{where}: expected {count} numbers, got {len(values)}: {shown(text)}")
    return values


def read_numbers(path: str | Path, count: int) -> np.ndarray:
    """A file with `count` numbers in each line, as (N, count) float64.

    Raises:
        InputError: missing or empty file, or a line with anything else; the line is named.
    """
    rows = [
        parse_numbers(line, count, f"{path} line {number}")
        for number, line in enumerate(read_lines(path), 1)
    ]
    if not rows:
        raise InputError(f"{path} is empty; expected {count} numbers in each line")
    return np.stack(rows)
