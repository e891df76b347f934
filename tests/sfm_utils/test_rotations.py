"""Rotations and chains of poses by hand."""

import numpy as np
import pytest

from monodepth2.src.sfm_utils import rotations

TURN = np.pi / 2
ABOUT = {  # x, y, z by a right angle: columns are where the axes go
    "x": np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0.0]]),
    "y": np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0.0]]),
    "z": np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1.0]]),
}


@pytest.mark.parametrize("place, axis", list(enumerate("xyz")))
def test_right_angles(place, axis):
    angles = TURN * np.eye(3)[place]
    np.testing.assert_allclose(rotations.rotation_from_euler(angles), ABOUT[axis], atol=1e-15)
    quaternion = rotations.quaternion_from_rotation(ABOUT[axis])
    expected = np.append(np.eye(3)[place], 1) / np.sqrt(2)
    np.testing.assert_allclose(np.abs(quaternion @ expected), 1, atol=1e-9)
    got = rotations.rotation_from_quaternion(3 * expected)
    np.testing.assert_allclose(got, ABOUT[axis], atol=1e-15)
    assert rotations.rotation_angle(ABOUT[axis]) == pytest.approx(TURN)


def test_euler_angles_are_x_times_y_times_z():
    angles = np.array([0.3, -0.4, 0.5])
    parts = [rotations.rotation_from_euler(angles * np.eye(3)[axis]) for axis in range(3)]
    got = rotations.rotation_from_euler(angles)
    np.testing.assert_allclose(got, parts[0] @ parts[1] @ parts[2], atol=1e-15)
    np.testing.assert_allclose(rotations.euler_from_rotation(got), angles, atol=1e-15)


def test_a_vertical_y_axis_leaves_x_zero():
    angles = rotations.euler_from_rotation(
        rotations.rotation_from_euler([0.3, TURN, 0.5]).round(12)
    )
    assert angles[0] == 0 and angles[1] == pytest.approx(TURN)
    np.testing.assert_allclose(angles[2], 0.8, atol=1e-6)


def test_any_leading_dimensions():
    vectors = np.random.default_rng(0).normal(size=(2, 3, 6))
    poses = rotations.pose_from_vector(vectors)
    assert poses.shape == (2, 3, 4, 4)
    np.testing.assert_allclose(poses[1, 2], rotations.pose_from_vector(vectors[1, 2]))
    np.testing.assert_array_equal(poses[..., 3, :], np.broadcast_to([0, 0, 0, 1], (2, 3, 4)))
    np.testing.assert_array_equal(poses[..., :3, 3], vectors[..., :3])
    identity = np.broadcast_to(np.eye(4), poses.shape)
    np.testing.assert_allclose(rotations.inverse_pose(poses) @ poses, identity, atol=1e-12)
    assert rotations.quaternion_from_rotation(poses[..., :3, :3]).shape == (2, 3, 4)
    assert rotations.rotation_angle(poses[..., :3, :3]).shape == (2, 3)


def test_steps_and_their_products_are_inverse():
    """A camera that turns left and drives: world_from_this times this_from_next is the next."""
    steps = rotations.pose_from_vector([[0, 0, 1, 0, -0.1, 0], [0.1, 0, 2, 0, 0.2, 0]])
    path = rotations.cumulative_poses(steps)
    np.testing.assert_array_equal(path[0], np.eye(4))
    np.testing.assert_allclose(path[2], steps[0] @ steps[1])
    np.testing.assert_allclose(rotations.steps_of(path), steps, atol=1e-15)
    moved = rotations.pose_from_vector([1, 2, 3, 0.4, 0.5, 0.6]) @ path
    np.testing.assert_allclose(rotations.steps_of(moved), steps, atol=1e-12)
