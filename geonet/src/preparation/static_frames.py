"""Frames of KITTI raw in which the car stands still: from a list, or found.

The original's list of 8051 frames was chosen by its authors. What is found here is another choice:
by the speed that the car itself measured (oxts), and in a drive without it by the images.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from ..model_utils.files import write_bytes
from ..model_utils.images import read_rgb
from ..sfm_utils.frame_selection import STATIC, MotionMeter
from ..sfm_utils.lists import read_static_frames
from ..sfm_utils.text_files import parse_numbers, read_lines
from .jobs import Progress, run_jobs
from .kitti import Drive

LIST = "static_frames.txt"  # what is found, in the original's form
LINE_EVERY = 20  # drives
_FIELDS, _NORTH, _EAST = 30, 6, 7  # of a record of oxts; the speeds are in metres per second


def listed_frames(path: str | Path) -> dict[str, set[int]]:
    """{drive: numbers of its frames} of a list of the original's form.

    Raises:
        InputError: missing, or a malformed line; the line is named.
    """
    found: dict[str, set[int]] = {}
    for drive, number in read_static_frames(path):
        found.setdefault(drive, set()).add(number)
    return found


def found_frames(
    drives: Sequence[Drive], least: float, processes: int
) -> tuple[dict[str, list[int]], int]:
    """The frames of each drive in which the car stands.

    Args:
        drives: of KITTI raw.
        least: metres per second; slower is standing.
        processes: that look at drives at the same time.
    Returns:
        ({drive: numbers, ascending}, how many drives have no oxts, so that images decided).
    Raises:
        InputError: a record of oxts or an image is missing or damaged.
    """
    found, by_images = {}, 0
    progress = Progress(len(drives), "drives", LINE_EVERY, "Static frames: %d/%d drives")
    for name, numbers, is_by_images in run_jobs(partial(_static, least), drives, processes):
        found[name] = numbers
        by_images += is_by_images
        progress.add(1)
    progress.close()
    return found, by_images


def _static(least, drive):
    """(name, numbers, whether the images decided) of a drive."""
    numbers = sorted(set().union(*drive.images.values()))
    folder = drive.folder / "oxts" / "data"
    if any(folder.glob("*.txt")):
        return drive.name, standing(folder, numbers, least), False
    files = next(iter(drive.images.values()))
    return drive.name, unchanged(files), True


def standing(folder: Path, numbers: Iterable[int], least: float) -> list[int]:
    """The frames at which a drive's records show less than a speed; without a record it moves.

    Args:
        folder: oxts/data of a drive.
        numbers: of the frames.
        least: metres per second.
    Raises:
        InputError: a damaged record.
    """
    slow = []
    for number in numbers:
        path = folder / f"{number:010d}.txt"
        if path.is_file():
            record = parse_numbers(" ".join(read_lines(path)), _FIELDS, str(path))
            if np.hypot(record[_NORTH], record[_EAST]) < least:
                slow.append(number)
    return slow


def unchanged(files: Mapping[int, Path]) -> list[int]:
    """The frames of a camera that do not differ from the last one that did.

    Args:
        files: {number: image}, ascending.
    Raises:
        InputError: a damaged image.
    """
    cv2.setNumThreads(1)  # each drive has a process
    meter, last, still = MotionMeter(), None, []
    for number, path in files.items():
        image = meter.prepared(read_rgb(path))
        if last is None or meter.between(last, image) >= STATIC:
            last = image
        else:
            still.append(number)
    return still


def write_list(path: Path, found: Mapping[str, Iterable[int]]) -> None:
    """Write `date drive frame` lines, which --static_frames takes."""
    lines = [f"{name[:10]} {name} {n:010d}\n" for name in sorted(found) for n in found[name]]
    write_bytes(path, "".join(lines).encode())
