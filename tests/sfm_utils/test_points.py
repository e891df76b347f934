"""Metres and points by hand."""

import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import points
from monodepth2.src.sfm_utils.intrinsics import Intrinsics

CAMERA = Intrinsics(2.0, 4.0, 0.5, 0.0, 2, 2)


@pytest.mark.parametrize("kind", ["disparity", "inverse_depth"])
def test_disparity_becomes_depth(kind):
    depth = points.depth_of(np.array([[0.5, 0, -2, 5.4]]), kind, 5.4)
    assert depth.dtype == np.float32
    np.testing.assert_allclose(depth, [[10.8, np.inf, np.inf, 1]], rtol=1e-6)
    assert points.depth_of(np.array([[4.0]]), kind).tolist() == [[0.25]]
    assert np.isinf(points.depth_of(np.array([np.nan]), kind)).all()


def test_depth_is_multiplied():
    assert points.depth_of(np.array([[2.0, -1]]), "depth", 3).tolist() == [[6, -3]]
    assert points.depth_of(np.array([[2.0]]), "depth").tolist() == [[2]]


def test_metres_as_16_bits():
    depth = np.float32([[1.2344, 1.2346, 70, np.inf, np.nan, -1, 0]])
    assert points.metric_png16(depth).tolist() == [[1234, 1235, 65535, 0, 0, 0, 0]]
    assert points.metric_png16(depth, 256).tolist() == [[316, 316, 17920, 0, 0, 0, 0]]
    assert points.metric_png16(depth).dtype == np.uint16
    assert points.metric_png16(np.float32([0.5, 1.5, 2.5]), 1).tolist() == [0, 2, 2]


def test_points_of_the_pixels_that_have_a_depth(tmp_path):
    depth = np.float32([[2, 0], [np.inf, 4]])
    rgb = np.uint8([[[1, 2, 3], [9, 9, 9]], [[9, 9, 9], [255, 8, 7]]])
    points.write_ply(tmp_path / "a.ply", depth, rgb, CAMERA)
    data = (tmp_path / "a.ply").read_bytes()
    header = (
        b"ply\nformat binary_little_endian 1.0\nelement vertex 2\nproperty float x\n"
        b"property float y\nproperty float z\nproperty uchar red\nproperty uchar green\n"
        b"property uchar blue\nend_header\n"
    )
    assert data.startswith(header) and len(data) == len(header) + 2 * 15
    vertices = data[len(header) :]
    first, second = (np.frombuffer(vertices[at : at + 12], "<f4").tolist() for at in (0, 15))
    assert first == [(0 - 0.5) / 2 * 2, 0, 2]
    assert second == [(1 - 0.5) / 2 * 4, 1 / 4 * 4, 4]
    assert list(vertices[12:15]) == [1, 2, 3] and list(vertices[27:]) == [255, 8, 7]


def test_negative_depth_gives_no_point(tmp_path):
    points.write_ply(tmp_path / "a.ply", np.full((2, 2), -1.0), np.zeros((2, 2, 3)), CAMERA)
    assert b"element vertex 0\n" in (tmp_path / "a.ply").read_bytes()


def test_a_camera_of_another_size_is_named(tmp_path):
    with pytest.raises(InputError, match="a.ply: the images are 3x2, but the intrinsics hold"):
        points.write_ply(tmp_path / "a.ply", np.ones((2, 3)), np.zeros((2, 3, 3)), CAMERA)
    assert not list(tmp_path.iterdir())


def test_points_need_a_camera_and_a_scale():
    points.check_points("disparity", None, CAMERA)
    points.check_points("depth", None, CAMERA)
    points.check_points("inverse_depth", 2.0, CAMERA)
    with pytest.raises(InputError, match="formats ply needs the camera"):
        points.check_points("depth", 1.0, None)
    with pytest.raises(InputError, match="up to scale and shift"):
        points.check_points("inverse_depth", None, CAMERA)
