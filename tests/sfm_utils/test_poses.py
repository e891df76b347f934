"""Rotations by hand, inverses, and gradients where the originals' formulas have none."""

import mindspore as ms
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from monodepth2.src.sfm_utils import poses

RNG = np.random.default_rng(0)


def tensor(values):
    return ms.Tensor(np.asarray(values, np.float32))


def test_a_quarter_turn_about_each_axis_by_hand():
    turns = tensor(np.eye(3) * np.pi / 2)
    got = poses.rotation_from_axis_angle(turns).asnumpy() @ [1, 2, 3]
    np.testing.assert_allclose(got, [[1, -3, 2], [3, 2, -1], [-2, 1, 3]], atol=1e-5)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 6.0])
def test_axis_angle_equals_scipy(scale):
    vectors = RNG.normal(size=(20, 3)) * scale
    got = poses.rotation_from_axis_angle(tensor(vectors)).asnumpy()
    np.testing.assert_allclose(got, Rotation.from_rotvec(vectors).as_matrix(), atol=2e-4 * scale)


def test_euler_angles_equal_scipy_and_are_clipped():
    angles = RNG.uniform(-3, 3, (20, 3))
    got = poses.rotation_from_euler(tensor(angles)).asnumpy()
    np.testing.assert_allclose(got, Rotation.from_euler("XYZ", angles).as_matrix(), atol=1e-5)
    got = poses.rotation_from_euler(tensor([[4, 0, 0], [-5, 0, 0]])).asnumpy()
    np.testing.assert_allclose(got, np.stack([np.diag([1, -1, -1])] * 2), atol=1e-5)


def test_no_motion_is_the_identity_and_has_a_gradient():
    def total(vector):
        return (poses.rotation_from_axis_angle(vector) * tensor(np.arange(9).reshape(3, 3))).sum()

    zero = tensor(np.zeros((2, 3)))
    np.testing.assert_array_equal(poses.rotation_from_axis_angle(zero).asnumpy(), [np.eye(3)] * 2)
    assert np.isfinite(ms.grad(total)(zero).asnumpy()).all()
    # Around 0, R = 1 + [v]x: the gradient is the antisymmetric part of the weights.
    near = ms.grad(total)(tensor([[1e-4, 0, 0]])).asnumpy()
    np.testing.assert_allclose(near[0, 0], 7 - 5, rtol=0.01)


def test_a_pose_rotates_then_moves_and_its_inverse_undoes_both():
    rotation = poses.rotation_from_axis_angle(tensor([[0, 0, np.pi / 2]]))
    pose = poses.pose(rotation, tensor([[10, 20, 30]]))
    point = np.array([1, 2, 3, 1])
    np.testing.assert_allclose(pose.asnumpy()[0] @ point, [8, 21, 33, 1], atol=1e-5)
    back = poses.inverse_pose(pose).asnumpy()[0] @ pose.asnumpy()[0]
    np.testing.assert_allclose(back, np.eye(4), atol=1e-5)
    np.testing.assert_array_equal(pose.asnumpy()[0, 3], [0, 0, 0, 1])
