"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Camera motion as matrices, from what a pose network predicts.

Conventions
    A pose b_from_a is a 4x4 matrix that takes points (X, Y, Z, 1)^T, in the frame of camera a, to
    the frame of camera b: X to the right, Y down, Z along the optical axis, in the unit of the
    depths. Rotations act on column vectors. Angles are radians.
"""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import ops

# Below this the direction of an axis is noise; the gradient of a norm at 0 does not exist.
_LEAST_ANGLE = 1e-12


def rotation_from_axis_angle(axis_angle: ms.Tensor) -> ms.Tensor:
    """Rotation about an axis, the vector's direction, by an angle, its length (Rodrigues).

    Args:
        axis_angle: (B, 3).
    Returns:
        (B, 3, 3). As in Monodepth2 the length in the axis is guarded by 1e-7, so that a zero
        vector gives the identity.
    """
    squares = axis_angle * axis_angle
    squares = ops.maximum(squares[:, 0:1] + squares[:, 1:2] + squares[:, 2:3], _LEAST_ANGLE**2)
    angle = ops.sqrt(squares)
    axis = axis_angle / (angle + 1e-7)
    cos, sin = ops.cos(angle), ops.sin(angle)
    x, y, z = axis[:, 0:1], axis[:, 1:2], axis[:, 2:3]
    rest = 1 - cos
    rows = (
        (x * x * rest + cos, x * y * rest - z * sin, x * z * rest + y * sin),
        (x * y * rest + z * sin, y * y * rest + cos, y * z * rest - x * sin),
        (x * z * rest - y * sin, y * z * rest + x * sin, z * z * rest + cos),
    )
    return _matrix(rows)


def rotation_from_euler(angles: ms.Tensor) -> ms.Tensor:
    """Rx Ry Rz, angles clipped to +-pi, as GeoNet composes them.

    Args:
        angles: (B, 3), about x, y, z.
    Returns:
        (B, 3, 3).
    """
    angles = ops.maximum(ops.minimum(angles, np.pi), -np.pi)
    cos, sin = ops.cos(angles), ops.sin(angles)
    cx, cy, cz = cos[:, 0:1], cos[:, 1:2], cos[:, 2:3]
    sx, sy, sz = sin[:, 0:1], sin[:, 1:2], sin[:, 2:3]
    rows = (
        (cy * cz, -cy * sz, sy),
        (cx * sz + sx * sy * cz, cx * cz - sx * sy * sz, -sx * cy),
        (sx * sz - cx * sy * cz, sx * cz + cx * sy * sz, cx * cy),
    )
    return _matrix(rows)


def pose(rotation: ms.Tensor, translation: ms.Tensor) -> ms.Tensor:
    """The pose that rotates, then moves: (B, 3, 3), (B, 3) -> (B, 4, 4)."""
    upper = ops.concat((rotation, translation.reshape(-1, 3, 1)), 2)
    last = ops.concat((ops.zeros_like(translation), ops.ones_like(translation[:, 0:1])), 1)
    return ops.concat((upper, last.reshape(-1, 1, 4)), 1)


def inverse_pose(b_from_a: ms.Tensor) -> ms.Tensor:
    """a_from_b: (B, 4, 4) -> (B, 4, 4), by transposing the rotation."""
    rotation = b_from_a[:, :3, :3].permute(0, 2, 1)
    return pose(rotation, -ops.matmul(rotation, b_from_a[:, :3, 3:]).reshape(-1, 3))


def _matrix(rows):
    """(B, 3, 3) of three rows of three (B, 1); tuples, since MindSpore Lite takes no list."""
    first, second, third = rows
    return ops.concat(first + second + third, 1).reshape(-1, 3, 3)
