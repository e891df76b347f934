"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Where the frames of KITTI raw, its odometry and its depth benchmark are, and whether they are there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from ..model_utils.errors import InputError
from .lists import Frame

ENDINGS = (".jpg", ".png")


class KittiRaw:
    """KITTI raw: <date>/<drive>/image_02/data/0000000000.jpg, velodyne_points, calib_*.txt.

    Args:
        root: folder of the data set.
        ending: .jpg or .png.
    """

    def __init__(self, root: str | Path, ending: str = ".jpg"):
        self.root, self.ending = Path(root), ending

    def image(self, frame: Frame) -> Path:
        """The image of a frame."""
        return (
            self.root
            / frame.folder
            / f"image_0{frame.camera}"
            / "data"
            / f"{frame.index:010d}{self.ending}"
        )

    def velodyne(self, frame: Frame) -> Path:
        """The laser scan of a frame."""
        return self.root / frame.folder / "velodyne_points" / "data" / f"{frame.index:010d}.bin"

    def calibration(self, frame: Frame) -> Path:
        """The folder of the calibration files of a frame's day."""
        return self.root / frame.folder.split("/")[0]


class KittiDepth(KittiRaw):
    """KITTI's depth benchmark: as raw, with accumulated depth in 16-bit PNGs."""

    def depth(self, frame: Frame) -> Path:
        """The depth of a frame, metres times 256, 0 where there is none."""
        folder = self.root / frame.folder / "proj_depth" / "groundtruth"
        return folder / f"image_0{frame.camera}" / f"{frame.index:010d}.png"


class KittiOdometry:
    """KITTI odometry: sequences/00/image_2/000000.png, image_3, calib.txt, times.txt; poses/00.txt.

    Args:
        root: folder of the data set.
        ending: .jpg or .png.
    """

    def __init__(self, root: str | Path, ending: str = ".png"):
        self.root, self.ending = Path(root), ending

    def sequence(self, number: int | str) -> Path:
        """The folder of a sequence, given as 9, "9" or "09"."""
        return self.root / "sequences" / str(number).zfill(2)

    def image(self, frame: Frame) -> Path:
        """The image of a frame; its folder is the number of the sequence."""
        name = f"{frame.index:06d}{self.ending}"
        return self.sequence(frame.folder) / f"image_{frame.camera}" / name

    def poses(self, number: int | str) -> Path:
        """The ground truth poses of a sequence."""
        return self.root / "poses" / f"{str(number).zfill(2)}.txt"


def check_frames(
    tree: KittiRaw | KittiOdometry,
    frames: Sequence[Frame],
    *,
    offsets: Iterable[int] = (),
    stereo: bool = False,
    skip_missing: bool = False,
    place: str | Path = "the list",
) -> list[Frame]:
    """Look for every image that the frames need, each folder listed once.

    Args:
        tree: where they are.
        frames: one for each line of a list.
        offsets: the neighbours that each frame needs, such as (-1, 1).
        stereo: each needs the other camera's image too.
        skip_missing: leave out the frames that lack an image, and print how many.
        place: the list, for messages.
    Returns:
        The frames whose images are all there.
    Raises:
        InputError: an image is missing, without skip_missing; or none is complete.
    """
    names = lru_cache(maxsize=None)(_names)
    complete, faults = [], []
    for number, frame in enumerate(frames, 1):
        needed = {"the image": frame}
        needed.update({f"its neighbour {offset:+d}": frame.shifted(offset) for offset in offsets})
        if stereo:
            needed["the other camera's image"] = frame.other
        fault = next(
            (text for what, one in needed.items() if (text := _fault(tree, one, what, names))), ""
        )
        if fault:
            faults.append(f"line {number}: {fault}")
        else:
            complete.append(frame)
    count = f"{len(faults)} of {len(frames)} frames of {place} are incomplete"
    if faults and not (skip_missing and complete):
        raise InputError(f"{count}; first, {faults[0]}")
    if faults:
        print(f"left out: {count}; first, {faults[0]}", flush=True)
    return complete


def _names(folder):
    """The names in a folder; none where it cannot be listed."""
    try:
        return frozenset(os.listdir(folder))
    except (OSError, ValueError):
        return frozenset()


def _fault(tree, frame, what, names):
    """What is wrong with an image that is needed; empty when it is there."""
    path = tree.image(frame)
    if frame.index < 0:
        return f"{what} would lie before the first frame of {path.parent}"
    there = names(path.parent)
    if path.name in there:
        return ""
    text = f"{what}, {path}, is missing"
    if not there:
        return f"{text}: {path.parent} holds nothing; see where the data set is"
    others = [path.with_suffix(ending).name for ending in ENDINGS]
    other = next((name for name in others if name in there), None)
    return f"{text}, but {other} is there: choose that format" if other else text
