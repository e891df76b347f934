"""Images of any size in, what the networks see, and maps, poses and flows of the images' sizes."""

import cv2
import numpy as np
import pytest
from PIL import Image

from geonet.src.evaluation.model import Facts
from geonet.src.prediction.predictors import Depths, Flows, Poses, offsets_of, pose_convention
from geonet.src.sfm_utils.intrinsics import Intrinsics
from tests.geonet.predicted import Stub, photo

FACTS = Facts(16, 32, 3, "vgg", False, "residual")
SMALL = 32, 16  # width, height at the stub


def shrunk(image, filter_name):
    resized = Image.fromarray(image).resize(SMALL, getattr(Image.Resampling, filter_name))
    return np.asarray(resized).transpose(2, 0, 1)


@pytest.mark.parametrize(
    ("task", "changes", "offsets"),
    [
        ("depth", {}, (0,)),
        ("pose", {}, (0, -1, 1)),
        ("pose", {"seq_length": 5, "flownet_type": "direct"}, (0, -2, -1, 1, 2)),
        ("flow", {}, (0, -1, 1)),
        ("flow", {"seq_length": 5, "flownet_type": "direct"}, (0, 1)),
    ],
)
def test_the_frames_that_a_network_sees(task, changes, offsets):
    assert offsets_of(task, FACTS._replace(**changes)) == offsets


def test_depth_is_that_of_the_shrunk_image_enlarged_and_scaled():
    model, images = Stub(), [photo(0), photo(1, 60, 50)]
    depths = Depths(model, 2.5).batch(images)
    assert [depth.shape for depth in depths] == [(48, 80), (60, 50)]
    for image, depth, seen in zip(images, depths, model.seen[0]):
        np.testing.assert_array_equal(seen, shrunk(image, "LANCZOS"))
        small = 2.5 * (1 + np.float32(seen[0]))
        np.testing.assert_allclose(depth, cv2.resize(small, image.shape[1::-1]), rtol=1e-6)
        assert depth.dtype == np.float32


def test_poses_see_the_target_first():
    model, images = Stub(), [photo(seed) for seed in range(4)]
    samples = [(images[1], images[0], images[2]), (images[2], images[1], images[3])]
    poses = Poses(model).batch(samples)
    expected = [[shrunk(image, "BILINEAR") for image in sample] for sample in samples]
    np.testing.assert_array_equal(model.seen[0], np.reshape(expected, (2, 9, 16, 32)))
    assert [pose.shape for pose in poses] == [(2, 6), (2, 6)]
    assert poses[0][:, 2].tolist() == [1, -1]


def test_the_flow_is_enlarged_and_the_camera_shrunk():
    """Half of the size: fx 100 is 50 at the network, 5 pixels of flow there, 10 of the image."""
    model, camera = Stub(), Intrinsics(100, 90, 32, 16, 64, 32)
    images = [np.full((32, 64, 3), value, np.uint8) for value in (32, 0, 9)]
    (flow,) = Flows(model).batch([(tuple(images), camera)])
    assert flow.shape == (32, 64, 2) and model.source is None
    np.testing.assert_allclose(flow, np.tile(np.float32([2 * 2, 2 * 5]), (32, 64, 1)), rtol=1e-5)


def test_a_direct_network_sees_two_frames_and_no_camera():
    model = Stub()
    model.facts = model.facts._replace(flownet_type="direct")
    (flow,) = Flows(model).batch([((photo(0), photo(1)), None)])
    assert model.source == 0 and model.seen[0].shape == (1, 6, 16, 32)
    np.testing.assert_allclose(flow[..., 1], 0.1 * 48 / 16, rtol=1e-5)  # of the unit matrix


@pytest.mark.parametrize(("length", "offsets"), [(3, (-1, 1)), (5, (-2, -1, 1, 2))])
def test_a_pose_takes_the_target_s_points_to_a_source(length, offsets):
    convention = pose_convention(length, 2.0)
    assert convention.pairs == tuple((0, offset) for offset in offsets)
    (matrix,) = convention.matrices(np.float64([[1, 2, 3, 0, np.pi / 2, 0]]))
    np.testing.assert_allclose(matrix[:3, 3], [2, 4, 6])
    np.testing.assert_allclose(matrix[:3, :3], [[0, 0, 1], [0, 1, 0], [-1, 0, 0]], atol=1e-12)
