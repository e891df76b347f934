"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

KITTI's calibration files.

Conventions
    Frames: velodyne is x forward, y left, z up; a camera is x right, y down, z forward; metres.
    rectified is camera 0 after its rectifying rotation; a projection P (3, 4) takes its points to
    the image of a rectified camera: (u, v, 1) ~ P (x, y, z, 1).
    Pixels: (0, 0) is the centre of the top left pixel, u to the right, v down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError, shown
from .text_files import parse_numbers, read_lines

CAM_TO_CAM = "calib_cam_to_cam.txt"
VELO_TO_CAM = "calib_velo_to_cam.txt"
# Focal length in pixels by image width, and the distance of the colour cameras in metres, as the
# evaluation of disparity on KITTI 2015 takes them.
FOCAL_BY_WIDTH = {1242: 721.5377, 1241: 718.856, 1238: 718.3351, 1224: 707.0493}
BASELINE = 0.54


def read_calibration(path: str | Path) -> dict[str, str]:
    """The lines 'key: value' of a calibration file of KITTI raw or odometry.

    Raises:
        InputError: missing, or a line without a key; the line is named.
    """
    found = {}
    for number, line in enumerate(read_lines(path), 1):
        key, colon, value = line.partition(":")
        if not colon and line.strip():
            raise InputError(f"{path} line {number}: expected 'key: numbers', got {shown(line)}")
        found[key.strip()] = value.strip()
    return found


def calibration_array(
    found: dict[str, str], key: str, shape: tuple[int, ...], path: str | Path
) -> np.ndarray:
    """One matrix of a calibration file, float64.

    Raises:
        InputError: the file has no such key, or not that many numbers there.
    """
    if key not in found:
        raise InputError(f"{path} has no {key}; take the file from KITTI again")
    return parse_numbers(found[key], int(np.prod(shape)), f"{path}: {key}").reshape(shape)


@dataclass(frozen=True)
class RawCalibration:
    """One day's calibration of KITTI raw.

    Attributes:
        projections: {2: P, 3: P}, (3, 4): image_02 and image_03 from rectified.
        rectified_from_camera: (4, 4), of camera 0.
        camera_from_velodyne: (4, 4).
        size: (height, width) of the rectified images by S_rect_02; None where the file lacks it.
    """

    projections: dict[int, np.ndarray]
    rectified_from_camera: np.ndarray
    camera_from_velodyne: np.ndarray
    size: tuple[int, int] | None

    def image_from_velodyne(self, camera: int) -> np.ndarray:
        """(3, 4): (u w, v w, w) of camera 2 or 3 from (x, y, z, 1); w is the camera's z."""
        # Multiplied in the originals' order: a rounding may decide which pixel a point falls on.
        return self.projections[camera] @ self.rectified_from_camera @ self.camera_from_velodyne

    @property
    def baseline(self) -> float:
        """Distance of cameras 2 and 3 in metres."""
        left, right = self.projections[2], self.projections[3]
        return float(left[0, 3] / left[0, 0] - right[0, 3] / right[0, 0])


def read_raw_calibration(folder: str | Path) -> RawCalibration:
    """Read calib_cam_to_cam.txt and calib_velo_to_cam.txt of one day of KITTI raw.

    Raises:
        InputError: a file or a key is missing or damaged.
    """
    path, velo_path = Path(folder) / CAM_TO_CAM, Path(folder) / VELO_TO_CAM
    cameras, velo = read_calibration(path), read_calibration(velo_path)
    rectified_from_camera, camera_from_velodyne = np.eye(4), np.eye(4)
    rectified_from_camera[:3, :3] = calibration_array(cameras, "R_rect_00", (3, 3), path)
    camera_from_velodyne[:3, :3] = calibration_array(velo, "R", (3, 3), velo_path)
    camera_from_velodyne[:3, 3] = calibration_array(velo, "T", (3,), velo_path)
    projections = {
        camera: calibration_array(cameras, f"P_rect_0{camera}", (3, 4), path) for camera in (2, 3)
    }
    size = rectified_size(cameras, path)
    return RawCalibration(projections, rectified_from_camera, camera_from_velodyne, size)


def rectified_size(
    found: dict[str, str], path: str | Path, camera: int = 2
) -> tuple[int, int] | None:
    """(height, width) of a camera's rectified images by S_rect; None where the file lacks it.

    Args:
        found: lines of calib_cam_to_cam.txt.
        path: the file, for messages.
        camera: 2 or 3.
    Raises:
        InputError: no numbers, or no size of an image.
    """
    key = f"S_rect_0{camera}"
    if key not in found:
        return None
    width, height = calibration_array(found, key, (2,), path).tolist()
    if not (1 <= width <= 1 << 14 and 1 <= height <= 1 << 14):
        raise InputError(f"{path}: {key} {width:g} {height:g} is no size of an image")
    return int(height), int(width)


def read_odometry_calibration(path: str | Path) -> dict[str, np.ndarray]:
    """P0 to P3 and Tr (rectified camera 0 from velodyne) of an odometry calib.txt, each (3, 4).

    Tr, which the grey and colour archives lack in their oldest form, may be missing.

    Raises:
        InputError: the file or a projection is missing or damaged.
    """
    found = read_calibration(path)
    keys = ["P0", "P1", "P2", "P3"] + [key for key in ("Tr",) if key in found]
    return {key: calibration_array(found, key, (3, 4), path) for key in keys}


def focal_of_width(width: int, where: str) -> float:
    """Focal length in pixels of a KITTI 2015 image of that width.

    Raises:
        InputError: not a width of KITTI 2015.
    """
    if width not in FOCAL_BY_WIDTH:
        widths = ", ".join(map(str, FOCAL_BY_WIDTH))
        raise InputError(f"{where}: width {width} is not one of KITTI 2015 ({widths})")
    return FOCAL_BY_WIDTH[width]
