"""Drives of KITTI raw that no network may train on: those of the test sets."""

from __future__ import annotations

import re
from pathlib import Path

from ..model_utils.errors import InputError, shown
from ..sfm_utils.eigen import eigen_test_frames
from ..sfm_utils.text_files import read_lines

_DRIVE = re.compile(r"[0-9]{4}(_[0-9]{2}){2}_drive_[0-9]{4}(_sync)?")

# The drives in which the 200 training scenes of KITTI 2015 were recorded, by day.
_STEREO = {
    "2011_09_26": "5 9 11 13 14 15 17 18 19 22 27 28 29 32 36 46 51 56 57 59 70 84 96 101 104",
    "2011_09_28": "2",
    "2011_09_29": "4 71",
    "2011_10_03": "47",
}


def drives_of_test_set(split: str) -> frozenset[str]:
    """Names of the test drives, such as 2011_09_26_drive_0002_sync.

    Args:
        split: eigen, the 28 drives of the 697 frames on which depth is tested; or stereo, the 29
            on which flow is tested.
    """
    if split == "eigen":
        return frozenset(frame.folder.split("/")[1] for frame in eigen_test_frames())
    return frozenset(
        f"{day}_drive_{int(number):04d}_sync"
        for day, numbers in _STEREO.items()
        for number in numbers.split()
    )


def listed_drives(path: str | Path) -> frozenset[str]:
    """Names of drives from a list such as the original's test_scenes_eigen.txt.

    Args:
        path: of the list: a drive on each line, with or without `_sync`; lines may be empty.

    Raises:
        InputError: missing, empty, or a line is no drive; the line is named.
    """
    found = set()
    for number, line in enumerate(read_lines(path), 1):
        name = line.strip()
        if name and not _DRIVE.fullmatch(name):
            example = "a drive such as 2011_09_26_drive_0002"
            raise InputError(f"{path} line {number}: expected {example}, got {shown(line)}")
        if name:
            found.add(f"{name.removesuffix('_sync')}_sync")
    if not found:
        raise InputError(f"{path} names no drive; expected one on each line")
    return frozenset(found)
