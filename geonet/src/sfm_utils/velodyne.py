"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

KITTI's laser scans as sparse depth maps, exactly as both originals make them.

Conventions
    Velodyne frame: x forward, y left, z up, metres. Depth is the camera's z (Monodepth2's training)
    or the velodyne's x (both evaluations on the Eigen split). Maps are (H, W), 0 where no point
    falls; a point at (u, v) falls on pixel (round(u) - 1, round(v) - 1), the rounding of KITTI's
    MATLAB code, halves to even.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.files import is_file
from .calibration import RawCalibration

DEPTHS = ("camera_z", "velodyne_x")
_POINT = 16  # bytes: x, y, z, reflectance as float32


def read_velodyne(path: str | Path) -> np.ndarray:
    """A scan as (N, 4) float32: x, y, z in metres, reflectance.

    Raises:
        InputError: missing, cut short, or not finite.
    """
    path = Path(path)
    if not is_file(path):
        raise InputError(f"{path} is missing; download the velodyne points of this drive")
    try:
        values = np.fromfile(path, "<f4")
        size = path.stat().st_size
    except OSError as err:
        raise InputError(f"{path}: {err.strerror or 'cannot be read'}") from None
    if not size or size % _POINT:
        raise InputError(
            f"{path} has {size} bytes, no multiple of {_POINT}: cut short, unpack it again"
        )
    if not np.isfinite(values).all():
        raise InputError(f"{path} is damaged: it holds values that are not finite")
    return values.reshape(-1, 4)


def project_velodyne(
    points: np.ndarray,
    image_from_velodyne: np.ndarray,
    size: tuple[int, int],
    depth: str = "camera_z",
) -> np.ndarray:
    """Depth map of a scan.

    Of several points on a pixel the nearest counts. The originals look for such points by the
    number row * (width - 1) + column, under which the last pixel of a row and the first of the next
    are the same; then the pixel of the first point gets the nearest depth of both pixels and
    the other keeps its last point. This is kept: published ground truth has it.

    Args:
        points: (N, 4) float32, velodyne frame; the fourth column is not used.
        image_from_velodyne: (3, 4), see `RawCalibration.image_from_velodyne`.
        size: (height, width) of the map.
        depth: "camera_z" or "velodyne_x".
    Returns:
        (H, W) float64, metres, 0 where no point falls.
    """
    height, width = size
    ahead = points[points[:, 0] >= 0]
    homogeneous = np.concatenate([ahead[:, :3], np.ones_like(ahead[:, :1])], 1)
    projected = (image_from_velodyne @ homogeneous.T).T
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        pixels = np.round(projected[:, :2] / projected[:, 2:]) - 1
    inside = ((pixels >= 0) & (pixels < (width, height))).all(1)
    columns, rows = pixels[inside].astype(np.int64).T
    values = (ahead[:, 0] if depth == "velodyne_x" else projected[:, 2])[inside].astype(np.float64)

    depth_map = np.zeros(size, np.float64)
    depth_map[rows, columns] = values  # of several points the last one stays
    numbers = rows * (width - 1) + columns
    _, first, groups = np.unique(numbers, return_index=True, return_inverse=True)
    nearest = np.full(len(first), np.inf)
    np.minimum.at(nearest, groups, values)
    depth_map[rows[first], columns[first]] = nearest
    return np.maximum(depth_map, 0)


def velodyne_depth_map(
    calibration: RawCalibration,
    path: str | Path,
    camera: int,
    depth: str = "camera_z",
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Depth map of a scan in an image of KITTI raw.

    Args:
        calibration: of the scan's day.
        path: the scan.
        camera: 2 (left) or 3 (right).
        depth: see `project_velodyne`.
        size: (height, width); that of the calibration file unless it is given.
    Returns:
        (H, W) float64, metres, 0 where no point falls.
    Raises:
        InputError: a bad scan, or no size anywhere.
    """
    size = size or calibration.size
    if size is None:
        raise InputError(
            f"{path}: the day's calib_cam_to_cam.txt has no S_rect_02, the images' size"
        )
    return project_velodyne(
        read_velodyne(path), calibration.image_from_velodyne(camera), size, depth
    )
