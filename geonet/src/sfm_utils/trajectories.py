"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Trajectories of a camera: text files, chains of relative poses, alignment, error and plot.

Conventions
    world_from_camera (N, 4, 4): the camera's place in its last column, X to the right, Y down,
    Z ahead, in metres or up to scale; times in seconds. KITTI's text has the upper three rows of
    a pose in a line, TUM's `t tx ty tz qx qy qz qw`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError, shown
from ..model_utils.files import write_bytes
from .rotations import (
    cumulative_poses,
    inverse_pose,
    make_pose,
    quaternion_from_rotation,
    rotation_angle,
    rotation_from_quaternion,
    steps_of,
)
from .text_files import parse_numbers, read_lines, read_numbers

_ROUGH = 0.01  # by which R R^T of a pose in a file may differ from the identity
_LEAST_LENGTH = 1e-6  # of a quaternion in a file


@dataclass(frozen=True)
class Trajectory:
    """Times (N,) in seconds, ascending, and poses world_from_camera (N, 4, 4)."""

    times: np.ndarray
    world_from_camera: np.ndarray

    def __len__(self) -> int:
        return len(self.times)


def read_kitti_poses(path: str | Path, count: int | None = None) -> np.ndarray:
    """world_from_camera (N, 4, 4) of a KITTI text file, twelve numbers in each line.

    Args:
        path: the file.
        count: frames of the sequence, when they are known.
    Raises:
        InputError: missing or damaged file, a line that is no pose, or not `count` of them.
    """
    rows = read_numbers(path, 12).reshape(-1, 3, 4)
    if count is not None and len(rows) != count:
        raise InputError(f"{path} has {len(rows)} poses, but the sequence has {count} frames")
    rotations = rows[:, :, :3]
    with np.errstate(over="ignore", invalid="ignore"):
        rough = np.abs(rotations @ np.swapaxes(rotations, 1, 2) - np.eye(3)).max((1, 2))
        bad = np.flatnonzero(~(rough < _ROUGH) | (np.linalg.det(rotations) <= 0))
    if bad.size:
        raise InputError(f"{path} line {bad[0] + 1}: the first three columns are no rotation")
    return make_pose(rotations, rows[:, :, 3])


def write_kitti_poses(path: str | Path, world_from_camera: np.ndarray) -> None:
    """Write a KITTI text file: (N, 4, 4)."""
    rows = np.asarray(world_from_camera)[:, :3].reshape(-1, 12)
    text = "".join(" ".join(f"{value:.9e}" for value in row) + "\n" for row in rows)
    write_bytes(path, text.encode())


def read_times(path: str | Path, count: int | None = None) -> np.ndarray:
    """Seconds (N,) of a times.txt, one in each line, ascending.

    Raises:
        InputError: missing or damaged file, times that do not ascend, or not `count` of them.
    """
    times = read_numbers(path, 1)[:, 0]
    if count is not None and len(times) != count:
        raise InputError(f"{path} has {len(times)} times, but the sequence has {count} frames")
    return _ascending(times, path)


def _ascending(times, path, lines=None):
    late = np.flatnonzero(np.diff(times) <= 0)
    if late.size:
        line = late[0] + 2 if lines is None else lines[late[0] + 1]
        raise InputError(f"{path} line {line}: time {times[late[0] + 1]:g} is not after the last")
    return times


def read_tum(path: str | Path) -> Trajectory:
    """A TUM text file; commas may stand between the numbers, lines with # are comments.

    Raises:
        InputError: missing, empty or damaged file, times that do not ascend; the line is named.
    """
    rows, lines = [], []
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip() or line.startswith("#"):
            continue
        row = parse_numbers(line.replace(",", " "), 8, f"{path} line {number}")
        if not _LEAST_LENGTH < np.abs(row[4:]).max() < 1 / _LEAST_LENGTH:
            raise InputError(f"{path} line {number}: {shown(line)} has no quaternion at the end")
        rows.append(row)
        lines.append(number)
    if not rows:
        raise InputError(f"{path} holds no pose; expected lines 't tx ty tz qx qy qz qw'")
    rows = np.stack(rows)
    poses = make_pose(rotation_from_quaternion(rows[:, 4:]), rows[:, 1:4])
    return Trajectory(_ascending(rows[:, 0], path, lines), poses)


def write_tum(path: str | Path, trajectory: Trajectory) -> None:
    """Write a TUM text file, nine decimals."""
    poses = trajectory.world_from_camera
    quaternions = quaternion_from_rotation(poses[:, :3, :3])
    rows = np.column_stack([trajectory.times, poses[:, :3, 3], quaternions])
    text = "".join(" ".join(f"{value:.9f}" for value in row) + "\n" for row in rows)
    write_bytes(path, text.encode())


def chain_poses(next_from_this: np.ndarray) -> np.ndarray:
    """The camera's path from the poses between neighbouring frames.

    Args:
        next_from_this: (N - 1, 4, 4), as pose networks predict for the frames (t, t + 1).
    Returns:
        first_from_each (N, 4, 4): world_from_camera with the first camera as the world.
    """
    return cumulative_poses(inverse_pose(np.asarray(next_from_this, np.float64)))


@dataclass(frozen=True)
class Alignment:
    """A similarity of places: target = scale * rotation @ predicted + translation."""

    scale: float
    rotation: np.ndarray
    translation: np.ndarray

    def apply(self, world_from_camera: np.ndarray) -> np.ndarray:
        """The poses (N, 4, 4) in the target's world."""
        moved = self.scale * world_from_camera[:, :3, 3] @ self.rotation.T + self.translation
        return make_pose(self.rotation @ world_from_camera[:, :3, :3], moved)


def align(target_xyz: np.ndarray, predicted_xyz: np.ndarray, with_scale: bool = True) -> Alignment:
    """The similarity that brings places closest to the target's (Umeyama, PAMI 1991).

    Args:
        target_xyz, predicted_xyz: (N, 3) of the same frames.
        with_scale: fit the scale too (7 degrees of freedom); else it is 1 (6).
    """
    target_mean, predicted_mean = target_xyz.mean(0), predicted_xyz.mean(0)
    target, predicted = target_xyz - target_mean, predicted_xyz - predicted_mean
    u, singular, vt = np.linalg.svd(target.T @ predicted)
    signs = np.array([1, 1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u * signs @ vt
    spread = np.sum(predicted**2)
    # A camera that is predicted to stand still has no scale.
    scale = float(singular @ signs / spread) if with_scale and spread else 1.0
    return Alignment(scale, rotation, target_mean - scale * rotation @ predicted_mean)


@dataclass(frozen=True)
class TrajectoryScore:
    """Errors of a sequence after one alignment of all of it.

    Attributes:
        ate_rmse: root of the mean squared distance of the places, metres.
        scale: by which the prediction was multiplied.
        rotation_degrees: mean angle between the true and predicted rotations from frame to frame.
        aligned: the predicted poses in the target's world.
    """

    ate_rmse: float
    scale: float
    rotation_degrees: float
    aligned: np.ndarray


def score_trajectory(
    target: np.ndarray, predicted: np.ndarray, with_scale: bool = True
) -> TrajectoryScore:
    """Align a predicted sequence as a whole and measure it.

    Args:
        target, predicted: world_from_camera (N, 4, 4), N > 1, of the same frames.
        with_scale: see `align`.
    Raises:
        InputError: another number of frames, or fewer than two.
    """
    if len(target) != len(predicted) or len(target) < 2:
        counts = f"{len(predicted)} predicted poses for {len(target)} true ones"
        raise InputError(f"{counts}; expected as many, at least 2")
    aligned = align(target[:, :3, 3], predicted[:, :3, 3], with_scale)
    moved = aligned.apply(predicted)
    distances = np.sum((moved[:, :3, 3] - target[:, :3, 3]) ** 2, 1)
    turns = steps_of(target)[:, :3, :3], steps_of(predicted)[:, :3, :3]
    angles = rotation_angle(np.swapaxes(turns[0], 1, 2) @ turns[1])
    return TrajectoryScore(
        ate_rmse=float(np.sqrt(np.mean(distances))),
        scale=aligned.scale,
        rotation_degrees=float(np.degrees(np.mean(angles))),
        aligned=moved,
    )
