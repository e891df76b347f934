"""Where a camera truly was, from files that a receiver or another program left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .model_utils.errors import InputError
from .scaling import places_on_earth
from .sfm_utils.text_files import parse_numbers, read_lines
from .sfm_utils.trajectories import read_tum

_OXTS = 30  # numbers of a record of KITTI's, latitude, longitude and height first
_FORMS = (
    "a folder oxts of KITTI, a TUM file, or lines 't latitude longitude' or "
    "'t latitude longitude height'"
)


def read_places(path: str | Path, count: int, names: Sequence[str] = ()) -> np.ndarray:
    """The places of the frames of a sequence, (N, 3) metres.

    Args:
        path: a folder oxts of KITTI; a TUM file (t tx ty tz qx qy qz qw); or a file with lines of
            time, latitude and longitude in degrees, and maybe a height in metres. White space or
            commas stand between the numbers.
        count: frames of the sequence.
        names: of the frames, by which the records of KITTI are chosen where all have one.
    Raises:
        InputError: missing or damaged, or not one place for each frame.
    """
    path = Path(path)
    if path.is_dir():
        places = _oxts(path, names)
    elif len(_first_line(path)) == 8:
        places = read_tum(path).world_from_camera[:, :3, 3]
    else:
        places = places_on_earth(_degrees(path))
    if len(places) != count:
        raise InputError(f"{path} has {len(places)} places for {count} frames; give one for each")
    return places


def _oxts(folder, names):
    data = folder / "data" if (folder / "data").is_dir() else folder
    files = {file.stem: file for file in sorted(data.glob("*.txt")) if file.stem.isdecimal()}
    if not files:
        raise InputError(f"{folder} holds no records such as 0000000000.txt; give {_FORMS}")
    if names and set(names) <= set(files):
        files = {name: files[name] for name in names}
    records = [parse_numbers(" ".join(read_lines(f)), _OXTS, str(f)) for f in files.values()]
    return places_on_earth(_checked(np.stack(records)[:, :3], folder))


def _lines(path):
    """(number, words) of the lines that are no comment."""
    for number, line in enumerate(read_lines(path), 1):
        words = line.replace(",", " ").split()
        if words and not line.startswith("#"):
            yield number, words


def _first_line(path):
    return next(_lines(path), (0, []))[1]


def _degrees(path):
    """(N, 3): latitude, longitude, height, 0 where there is none."""
    count, rows = len(_first_line(path)), []
    if count not in (3, 4):
        raise InputError(f"{path} has {count} numbers in a line; give {_FORMS}")
    for number, words in _lines(path):
        row = parse_numbers(" ".join(words), count, f"{path} line {number}")
        rows.append([*row[1:], 0.0][:3])
    return _checked(np.array(rows), path)


def _checked(degrees, path):
    if not (np.abs(degrees[:, 0]) < 90).all() or not (np.abs(degrees[:, 1]) <= 360).all():
        raise InputError(f"{path}: latitudes must be within 90 degrees, longitudes within 360")
    return degrees
