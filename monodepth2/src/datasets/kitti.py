"""Frames of KITTI raw, of its odometry and of its depth benchmark, from the original's lists."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from ..model_utils.images import good_samples, image_header, read_png
from ..sfm_utils.calibration import read_raw_calibration
from ..sfm_utils.kitti import ENDINGS, KittiDepth, KittiOdometry, KittiRaw, check_frames
from ..sfm_utils.lists import Frame, read_split
from ..sfm_utils.velodyne import velodyne_depth_map
from ..transforms import resize_nearest
from .fields import STEREO
from .samples import FrameId

TREES = {"kitti": KittiRaw, "kitti_depth": KittiDepth, "kitti_odom": KittiOdometry}
DEPTH_SIZE = 375, 1242  # of depth_gt, whatever the day's images have
# fx, fy, cx, cy as parts of the width and the height; the same for every drive, as in the original.
_CAMERA = np.float32([[0.58, 0, 0.5], [0, 1.92, 0.5], [0, 0, 1]])


class KittiFrames:
    """The frames of a list in one of KITTI's trees; the protocol of `samples.Frames`.

    Args:
        tree: where the images are.
        frames: one for each sample.
    """

    def __init__(self, tree: KittiRaw | KittiOdometry, frames: Sequence[Frame]):
        self.tree, self.frames = tree, frames
        self._calibration = lru_cache(maxsize=None)(read_raw_calibration)

    def __len__(self) -> int:
        return len(self.frames)

    def path(self, index: int, frame_id: FrameId) -> Path:
        frame = self.frames[index]
        return self.tree.image(frame.other if frame_id == STEREO else frame.shifted(frame_id))

    def is_left(self, index: int) -> bool:
        return self.frames[index].side == "l"

    def matrix(self, index: int, height: int, width: int, is_mirrored: bool) -> np.ndarray:
        """K; its axis goes through the middle, and mirroring leaves it as it is."""
        return _CAMERA * np.float32([[width], [height], [1]])

    @property
    def has_depth(self) -> bool:
        """Whether the first frame has ground truth, as the original asks."""
        return bool(self.frames) and is_file(self._depth_file(0))

    def depth(self, index: int) -> np.ndarray:
        """(375, 1242) float32 metres, the camera's z, 0 where there is none.

        A frame without a file (KITTI lacks a few laser scans) has no depth at all.

        Raises:
            InputError: the file or the day's calibration is damaged.
        """
        path = self._depth_file(index)
        if not is_file(path):
            return np.zeros(DEPTH_SIZE, np.float32)
        if isinstance(self.tree, KittiDepth):
            depth = np.float32(read_png(path, 16)) / 256
        else:
            frame = self.frames[index]
            day = self._calibration(self.tree.calibration(frame))
            depth = velodyne_depth_map(day, path, frame.camera)
        return np.float32(resize_nearest(depth, *DEPTH_SIZE))

    def _depth_file(self, index):
        frame = self.frames[index]
        if isinstance(self.tree, KittiOdometry):
            return Path()
        if isinstance(self.tree, KittiDepth):
            return self.tree.depth(frame)
        return self.tree.velodyne(frame)


def archive_of(frame: Frame, what: str) -> str:
    """The archive of KITTI's site that holds a file of KITTI raw.

    Args:
        frame: whose file it is.
        what: "drive" (images, laser scans), "calibration", or "depth" (the improved ground truth).
    """
    day, _, drive = frame.folder.partition("/")
    return {
        "drive": f"{drive}.zip",
        "calibration": f"{day}_calib.zip",
        "depth": "data_depth_annotated.zip",
    }[what]


def open_frames(
    path: str | Path,
    *,
    dataset: str,
    data_path: str | Path,
    png: bool = False,
    sources: Sequence[FrameId] = (),
    skip_bad: bool = False,
) -> KittiFrames:
    """The frames of a list, each with the images that it needs.

    Args:
        path: the list, "folder frame side" in each line.
        dataset: kitti, kitti_depth, or kitti_odom.
        data_path: folder of the data set.
        png: the images' ending is .png, else .jpg; the other one where only that is there.
        sources: the images that each frame needs besides its own, such as [-1, 1, "s"].
        skip_bad: leave out frames whose images are missing or broken.
    Raises:
        InputError: no list, a list of another data set, images are missing.
    """
    if not is_file(path):
        raise InputError(
            f"{path} is missing; copy the original's splits folder there, or write lists with "
            "prepare/make_splits.py"
        )
    frames = read_split(path)
    _check_dataset(frames, dataset, path)
    tree = _tree(frames, dataset, data_path, png)
    offsets = [source for source in sources if source != STEREO]
    needed = {"offsets": offsets, "stereo": STEREO in sources}
    frames = check_frames(tree, frames, **needed, skip_missing=skip_bad, place=path)
    if skip_bad:
        frames = _good_frames(tree, frames, [0, *sources], str(path))
    return KittiFrames(tree, frames)


def _check_dataset(frames, dataset, path):
    """Refuse a list of odometry for raw data and the reverse."""
    is_odometry = dataset == "kitti_odom"
    wrong = (n for n, frame in enumerate(frames) if frame.folder.isdecimal() != is_odometry)
    place = next(wrong, None)
    if place is None:
        return
    folder, other = frames[place].folder, "kitti" if is_odometry else "kitti_odom"
    raise InputError(
        f"{path} line {place + 1}: {folder} is no folder of --dataset {dataset}; "
        f"that list needs --dataset {other}"
    )


def _tree(frames, dataset, data_path, png):
    """The tree with the ending that the first frame's image has."""
    wanted = ".png" if png else ".jpg"
    other = next(ending for ending in ENDINGS if ending != wanted)
    tree, found = (TREES[dataset](data_path, ending) for ending in (wanted, other))
    if not is_file(tree.image(frames[0])) and is_file(found.image(frames[0])):
        print(f"images of {data_path} end in {other}: these are taken", flush=True)
        return found
    return tree


def _good_frames(tree, frames, sources, place):
    """The frames whose images have an intact header and end."""
    rows, check = KittiFrames(tree, frames), lru_cache(maxsize=1 << 16)(_fault)

    def check_row(index):
        for frame_id in sources:
            if fault := check(rows.path(index, frame_id)):
                raise InputError(fault)

    return [frames[index] for index in good_samples(range(len(frames)), check_row, True, place)]


def _fault(path):
    """What is wrong with an image; empty when nothing is."""
    try:
        image_header(path)
    except InputError as err:
        return str(err)
    return ""
