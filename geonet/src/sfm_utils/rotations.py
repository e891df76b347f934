"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Rotations, poses and chains of poses as numpy arrays, for evaluation and files.

Conventions
    A pose b_from_a is a 4x4 matrix that takes points (X, Y, Z, 1)^T in the frame of a to the frame
    of b: X to the right, Y down, Z ahead. world_from_camera therefore holds the camera's place in
    its last column. Angles are radians; Euler angles (x, y, z) mean Rx Ry Rz; quaternions are
    (x, y, z, w). Everything is float64, with any number of leading dimensions.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

# GeoNet's guard: closer to a vertical y axis only the sum of the x and z angles is known.
_FLAT = 4 * np.finfo(np.float64).eps


def euler_from_rotation(rotation: np.ndarray) -> np.ndarray:
    """Euler angles (x, y, z) of rotations.

    A rotation read from a text file is not quite orthonormal; the angles follow from the same
    entries as in GeoNet's evaluation, so that its numbers come out (scipy orthonormalises first).

    Args:
        rotation: (..., 3, 3).
    Returns:
        (..., 3), y within +-pi/2.
    """
    rotation = np.asarray(rotation, np.float64)
    flat = np.hypot(rotation[..., 2, 2], rotation[..., 1, 2])
    known = flat > _FLAT
    x = np.where(known, np.arctan2(-rotation[..., 1, 2], rotation[..., 2, 2]), 0)
    y = np.arctan2(rotation[..., 0, 2], flat)
    z = np.where(
        known,
        np.arctan2(-rotation[..., 0, 1], rotation[..., 0, 0]),
        np.arctan2(rotation[..., 1, 0], rotation[..., 1, 1]),
    )
    return np.stack([x, y, z], -1)


def rotation_from_euler(angles: np.ndarray) -> np.ndarray:
    """Rx Ry Rz: (..., 3) -> (..., 3, 3)."""
    angles = np.asarray(angles, np.float64)
    matrices = Rotation.from_euler("XYZ", angles.reshape(-1, 3)).as_matrix()
    return matrices.reshape(*angles.shape, 3)


def quaternion_from_rotation(rotation: np.ndarray) -> np.ndarray:
    """Quaternions (x, y, z, w) of rotations, by way of Euler angles, which fixes their sign.

    Args:
        rotation: (..., 3, 3).
    Returns:
        (..., 4), as GeoNet writes them; q and -q are the same rotation.
    """
    angles = euler_from_rotation(rotation)
    quaternions = Rotation.from_euler("XYZ", angles.reshape(-1, 3)).as_quat()
    return quaternions.reshape(*angles.shape[:-1], 4)


def rotation_from_quaternion(quaternion: np.ndarray) -> np.ndarray:
    """(..., 4), x y z w, of any length but 0 -> (..., 3, 3)."""
    quaternion = np.asarray(quaternion, np.float64)
    matrices = Rotation.from_quat(quaternion.reshape(-1, 4)).as_matrix()
    return matrices.reshape(*quaternion.shape[:-1], 3, 3)


def make_pose(rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """The pose that rotates, then moves: (..., 3, 3), (..., 3) -> (..., 4, 4)."""
    pose = np.zeros((*rotation.shape[:-2], 4, 4))
    pose[..., :3, :3], pose[..., :3, 3], pose[..., 3, 3] = rotation, translation, 1
    return pose


def pose_from_vector(vector: np.ndarray) -> np.ndarray:
    """GeoNet's pose vectors (tx, ty, tz, rx, ry, rz): (..., 6) -> (..., 4, 4)."""
    vector = np.asarray(vector, np.float64)
    return make_pose(rotation_from_euler(vector[..., 3:]), vector[..., :3])


def vector_from_pose(pose: np.ndarray) -> np.ndarray:
    """(..., 4, 4) -> (..., 6), the inverse of `pose_from_vector`."""
    return np.concatenate([pose[..., :3, 3], euler_from_rotation(pose[..., :3, :3])], -1)


def inverse_pose(b_from_a: np.ndarray) -> np.ndarray:
    """a_from_b of (..., 4, 4) poses whose rotations are orthonormal."""
    rotation = np.swapaxes(b_from_a[..., :3, :3], -1, -2)
    return make_pose(rotation, -(rotation @ b_from_a[..., :3, 3:])[..., 0])


def cumulative_poses(steps: np.ndarray) -> np.ndarray:
    """Products of the first 0, 1, ..., N poses, in their order.

    Args:
        steps: (N, 4, 4). With this_from_next they give first_from_each.
    Returns:
        (N + 1, 4, 4), the first is the identity.
    """
    products = [np.eye(4)]
    for step in np.asarray(steps, np.float64):
        products.append(products[-1] @ step)
    return np.stack(products)


def steps_of(world_from_camera: np.ndarray) -> np.ndarray:
    """this_from_next of each frame but the last: (N, 4, 4) -> (N - 1, 4, 4)."""
    return inverse_pose(world_from_camera[:-1]) @ world_from_camera[1:]


def rotation_angle(rotation: np.ndarray) -> np.ndarray:
    """The angle of rotations, radians in 0..pi: (..., 3, 3) -> (...)."""
    vectors = Rotation.from_matrix(rotation.reshape(-1, 3, 3)).magnitude()
    return vectors.reshape(rotation.shape[:-2])
