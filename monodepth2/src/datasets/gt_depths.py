"""gt_depths.npz: the depth maps that the evaluation on Eigen's test set compares with.

The file is the original's: an archive with one array of objects, `data`, a (H, W) float32 map in
metres for each frame of the list, 0 where there is no depth.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file, replacing
from ..model_utils.images import read_png
from ..numpy_pickles import load_arrays
from ..sfm_utils.calibration import RawCalibration, read_raw_calibration
from ..sfm_utils.kitti import KittiDepth
from ..sfm_utils.lists import Frame
from ..sfm_utils.velodyne import velodyne_depth_map
from .kitti import archive_of

NAME = "gt_depths.npz"
_ENTRY = "data.npy"


def ground_truth(
    data_path: str | Path, frames: Sequence[Frame], split: str
) -> Iterable[np.ndarray]:
    """The depth maps of the frames of a test set, as the original exports them.

    Args:
        data_path: folder of KITTI raw (eigen), with the depth benchmark's maps (eigen_benchmark).
        frames: of the left camera.
        split: eigen, the laser's points with the velodyne's x as depth; or eigen_benchmark.
    Returns:
        (H, W) float32, metres, one at a time.
    Raises:
        InputError: a file is missing, and which archive of KITTI holds it; or it is damaged.
    """
    tree, days = KittiDepth(data_path), {}
    for frame in frames:
        if split == "eigen":
            yield _laser_depth(tree, frame, days)
        else:
            path = tree.depth(frame)
            _must_be_there(path, archive_of(frame, "depth"))
            yield np.float32(read_png(path, 16)) / 256


def _laser_depth(tree, frame, days: dict[Path, RawCalibration]):
    folder, scan = tree.calibration(frame), tree.velodyne(frame)
    if folder not in days:
        _must_be_there(folder / "calib_cam_to_cam.txt", archive_of(frame, "calibration"))
        days[folder] = read_raw_calibration(folder)
    _must_be_there(scan, archive_of(frame, "drive"))
    return np.float32(velodyne_depth_map(days[folder], scan, frame.camera, "velodyne_x"))


def _must_be_there(path, archive):
    if not is_file(path):
        raise InputError(f"{path} is missing; unpack KITTI's {archive} there")


def write_gt_depths(path: str | Path, maps: Sequence[np.ndarray]) -> None:
    """Write depth maps as the original does; the file appears once it is complete."""
    data = np.empty(len(maps), object)
    for place, depth in enumerate(maps):  # data[:] = maps would look into maps of one size
        data[place] = depth
    with replacing(path) as temporary:
        np.savez_compressed(temporary, data=data)


def read_gt_depths(path: str | Path) -> list[np.ndarray]:
    """The depth maps of a file that this program or the original wrote.

    Its pickle is read without running anything that it holds.

    Raises:
        InputError: missing, damaged, or it holds anything but maps.
    """
    if not is_file(path):
        raise InputError(f"{path} is missing; write it with export_gt_depth.py")
    try:
        with zipfile.ZipFile(path) as archive, archive.open(_ENTRY) as entry:
            maps = _read_array(entry, path)
    except InputError:
        raise
    except Exception as err:  # zipfile and zlib raise many kinds for what is damaged
        text = f"{path} is damaged, or has no array `data`; write it with export_gt_depth.py"
        raise InputError(text) from err
    for place, depth in enumerate(maps):
        if not (isinstance(depth, np.ndarray) and depth.ndim == 2 and depth.dtype.kind == "f"):
            raise InputError(f"{path}: entry {place} is no depth map; write the file anew")
        if not np.isfinite(depth).all():
            raise InputError(f"{path}: entry {place} is not finite; write the file anew")
    return maps


def _read_array(entry, path):
    """The maps of a .npy: objects, or where all are of one size, numbers."""
    version = np.lib.format.read_magic(entry)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, is_fortran, dtype = read_header(entry)
    if dtype.kind == "O":
        found = load_arrays(entry, path)
        if not isinstance(found, list) or shape != (len(found),):
            raise ValueError("another number of maps than the header tells")
        return found
    if dtype.hasobject or len(shape) != 3 or is_fortran:
        raise ValueError("no array of maps")
    return list(np.frombuffer(entry.read(), dtype, math.prod(shape)).reshape(shape))
