"""Pinhole cameras and the smooth paths that they move along.

World and camera axes point right (x), down (y) and forward (z), in metres. Pixel (u, v) is (column,
row) with its centre at whole numbers: the first pixel is (0, 0). Depth is z in the camera, not the
length of the ray.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera somewhere in the world.

    Attributes:
        K: (3, 3) float64, intrinsics in pixels.
        world_from_camera: (4, 4) float64, maps camera coordinates to world coordinates, metres.
        height: image height in pixels.
        width: image width in pixels.
    """

    K: np.ndarray
    world_from_camera: np.ndarray
    height: int
    width: int

    @property
    def position(self):
        """(3,) the camera's centre in the world, metres."""
        return self.world_from_camera[:3, 3]

    @property
    def rotation(self):
        """(3, 3) the rotation from camera to world directions."""
        return self.world_from_camera[:3, :3]

    def shifted(self, right):
        """The same camera moved along its own x axis: the right one of a rectified stereo pair.

        Args:
            right: the baseline in metres; negative for the left one.

        Returns:
            Camera.
        """
        shift = np.eye(4)
        shift[0, 3] = right
        return replace(self, world_from_camera=self.world_from_camera @ shift)


def intrinsics(height, width, focal):
    """Intrinsics with square pixels and the principal point in the middle of the image.

    Args:
        height: pixels.
        width: pixels.
        focal: focal length as a share of the width (NYU's Kinect 0.81, KITTI's colour camera 0.58).

    Returns:
        (3, 3) float64.
    """
    f = focal * width
    return np.array([[f, 0, (width - 1) / 2], [0, f, (height - 1) / 2], [0, 0, 1]], np.float64)


def pose(position, yaw=0.0, pitch=0.0, roll=0.0):
    """A camera's pose from its place and three angles.

    Args:
        position: (3,) in the world, metres.
        yaw: radians, positive turns to the right.
        pitch: radians, positive looks down.
        roll: radians, positive turns the camera clockwise, so that the image tilts to the left.

    Returns:
        (4, 4) float64 `world_from_camera`.
    """
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (np.cos, np.sin))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    nod = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tilt = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3] = turn @ nod @ tilt
    world_from_camera[:3, 3] = position
    return world_from_camera


def relative_pose(target, source):
    """The pose that takes points from one camera's coordinates to another's.

    Args:
        target: Camera.
        source: Camera.

    Returns:
        (4, 4) float64 `target_from_source`.
    """
    inverse = np.eye(4)
    inverse[:3, :3] = target.rotation.T
    inverse[:3, 3] = -target.rotation.T @ target.position
    return inverse @ source.world_from_camera


@dataclass(frozen=True)
class Path:
    """A smooth path: a start, a constant velocity and slow sways.

    Attributes:
        start: (3,) metres.
        velocity: (3,) metres a frame.
        sway: (3,) amplitude of the place's sway, metres.
        angles: (3,) yaw, pitch, roll at the start, radians.
        turn: (3,) amplitude of the angles' sway, radians.
        period: frames in one sway.
        phase: (6,) radians, of the sway of the place and of the angles.
    """

    start: np.ndarray
    velocity: np.ndarray
    sway: np.ndarray
    angles: np.ndarray
    turn: np.ndarray
    period: float
    phase: np.ndarray

    def pose(self, frame):
        """The pose at a frame.

        Args:
            frame: frame number, whole or not.

        Returns:
            (4, 4) float64 `world_from_camera`.
        """
        wave = np.sin(2 * np.pi * frame / self.period + self.phase)
        place = self.start + self.velocity * frame + self.sway * wave[:3]
        return pose(place, *(self.angles + self.turn * wave[3:]))
