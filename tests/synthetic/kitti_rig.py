"""KITTI's car: four cameras, a laser scanner and an IMU, measured anew on each date of recording.

Frames: rectified camera 0 (x right, y down, z forward), scanner and IMU (x forward, y left, z up).
A matrix `a_from_b` takes points of b to a, metres. All numbers are those that the calibration files
show, with their seven digits, so that what is rendered and what is written agree to the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.spatial.transform import Rotation

from tests.synthetic.camera import Camera

# date: width, height, focal length, principal point of the rectified images, pixels
RECTIFIED = {
    "2011_09_26": (1242, 375, 721.5377, 609.5593, 172.854),
    "2011_09_28": (1224, 370, 707.0493, 604.0814, 180.5066),
    "2011_09_29": (1238, 374, 718.3351, 600.3891, 181.5122),
    "2011_09_30": (1226, 370, 707.0912, 601.8873, 183.1104),
    "2011_10_03": (1241, 376, 718.856, 607.1928, 185.2157),
}
DATES = tuple(RECTIFIED)
REAL_HEIGHT = 375  # pixels, of the first date; other heights shrink all dates alike
ASIDE = (0.0, 0.537, -0.06, 0.4725)  # metres from camera 0 to the right
AXES = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])  # camera from scanner, roughly


def seven_digits(values):
    """What is left of numbers after writing them with %e.

    Args:
        values: array.

    Returns:
        float64 array of the same shape.
    """
    values = np.asarray(values, np.float64)
    return np.array([float(f"{value:e}") for value in values.ravel()]).reshape(values.shape)


@dataclass(frozen=True)
class Rig:
    """One date's calibration.

    Attributes:
        date: as in the folder names.
        height: of the rectified images, pixels.
        width: pixels.
        P_rect: (4, 3, 4) projections of rectified camera 0's points into each camera, pixels.
        R_rect: (3, 3) rectified from unrectified camera 0.
        camera_from_scanner: (4, 4) to unrectified camera 0.
        scanner_from_imu: (4, 4).
    """

    date: str
    height: int
    width: int
    P_rect: np.ndarray
    R_rect: np.ndarray
    camera_from_scanner: np.ndarray
    scanner_from_imu: np.ndarray

    @property
    def K(self):
        """(3, 3) intrinsics of all four rectified cameras, pixels."""
        return self.P_rect[0, :, :3]

    @property
    def rect_from_scanner(self):
        """(4, 4) to rectified camera 0."""
        R_rect = np.eye(4)
        R_rect[:3, :3] = self.R_rect
        return R_rect @ self.camera_from_scanner

    @property
    def rect_from_imu(self):
        """(4, 4) to rectified camera 0."""
        return self.rect_from_scanner @ self.scanner_from_imu

    @property
    def baseline(self):
        """Metres between the two colour cameras."""
        return (self.P_rect[2, 0, 3] - self.P_rect[3, 0, 3]) / self.K[0, 0]

    def camera(self, index, world_from_rect):
        """One of the four cameras.

        Args:
            index: 0 and 1 the grey pair, 2 and 3 the colour pair, left one first.
            world_from_rect: (4, 4) pose of rectified camera 0.

        Returns:
            Camera.
        """
        shift = np.eye(4)
        shift[:3, 3] = -np.linalg.solve(self.K, self.P_rect[index, :, 3])
        return Camera(self.K, world_from_rect @ shift, self.height, self.width)


@lru_cache(maxsize=32)
def rig(date, height=REAL_HEIGHT):
    """The calibration of a date.

    Args:
        date: one of DATES.
        height: pixels that an image of the first date would have; the real one is 375.

    Returns:
        Rig.
    """
    real_width, real_height, focal, cx, cy = RECTIFIED[date]
    width = round(real_width * height / REAL_HEIGHT)
    rows = round(real_height * height / REAL_HEIGHT)
    scale = width / real_width
    rng = np.random.default_rng(int(date.replace("_", "")))
    f, cx, cy = focal * scale, (cx + 0.5) * scale - 0.5, (cy + 0.5) * scale - 0.5
    K = np.array([[f, 0, cx], [0, f, cy], [0, 0, 1]])
    P_rect = np.zeros((4, 3, 4))
    aside = np.array(ASIDE) + rng.uniform(-0.004, 0.004, 4) * (1, 1, 1, 1)
    for index, right in enumerate(aside - aside[0]):
        # The colour pair sits a few millimetres beside the grey one's line.
        centre = np.array([right, 0.0003 * (index > 1), -0.0027 * (index > 1)])
        P_rect[index] = np.column_stack([K, -K @ centre])
    return Rig(
        date,
        rows,
        width,
        seven_digits(P_rect),
        seven_digits(_tilt(rng)),
        _transform(_tilt(rng) @ AXES, (-0.004, -0.076, -0.272) + rng.uniform(-0.01, 0.01, 3)),
        _transform(_tilt(rng), (-0.81, 0.32, -0.8) + rng.uniform(-0.01, 0.01, 3)),
    )


def _tilt(rng):
    return Rotation.from_euler("xyz", rng.uniform(-0.012, 0.012, 3)).as_matrix()


def _transform(R, t):
    matrix = np.eye(4)
    matrix[:3] = seven_digits(np.column_stack([R, t]))
    return matrix
