"""Frames that follow each other, and the training samples that they make."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError

ENDINGS = (".png", ".jpg", ".jpeg")  # of a frame in several formats, the first of these is taken


@dataclass(frozen=True)
class Strip:
    """A training sample that is to be made.

    Attributes:
        folder: of the sample below the dump root, such as 2011_09_26_drive_0001_sync_02.
        name: of the target frame, such as 0000000005.
        images: the frames in time order, the target in the middle.
        projection: (3, 3) or (3, 4), of which fx, fy, cx, cy in pixels are taken.
        size: (height, width) of the images that the projection holds for; None: of these images.
    """

    folder: str
    name: str
    images: tuple[Path, ...]
    projection: np.ndarray
    size: tuple[int, int] | None = None


def names_in(folder: Path) -> list[str]:
    """The names in a folder, sorted; none where there is no such folder.

    Raises:
        InputError: a folder that cannot be listed.
    """
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as err:
        raise InputError(f"{folder}: {err.strerror}; check the path") from None


def numbered_images(folder: Path) -> dict[int, Path]:
    """{number: file} of the images in a folder whose names are numbers, ascending."""
    paths = [folder / name for name in names_in(folder)]
    paths = [path for path in paths if path.suffix.lower() in ENDINGS and _is_number(path.stem)]
    paths.sort(key=lambda path: (int(path.stem), -ENDINGS.index(path.suffix.lower())))
    return {int(path.stem): path for path in paths}


def _is_number(text):
    return text.isascii() and text.isdecimal()


def missing_inside(numbers: Iterable[int]) -> tuple[int, int | None]:
    """How many numbers a drive lacks between its first and its last frame, and which is first."""
    there = sorted(set(numbers))
    first = next((n + 1 for n, after in zip(there, there[1:]) if after - n > 1), None)
    return (there[-1] - there[0] + 1 - len(there) if there else 0), first


def windows(numbers: Iterable[int], length: int, step: int = 1) -> list[tuple[int, ...]]:
    """The frames of each sample: `length` numbers at a distance of `step`, all of which are there.

    Args:
        numbers: of the frames that may be used.
        length: frames of a sample, odd.
        step: from one frame of a sample to the next.
    Returns:
        One tuple for each target that has all its neighbours, in the order of the targets.
    """
    there, half = set(numbers), length // 2 * step
    runs = (tuple(range(n - half, n + half + 1, step)) for n in sorted(there))
    return [run for run in runs if there.issuperset(run)]
