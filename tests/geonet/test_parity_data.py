"""Strips, cameras and augmentation against those of the TensorFlow original, to the last bit."""

import mindspore as ms
import numpy as np
import pytest

from geonet.src.datasets.strip_files import read_camera
from geonet.src.networks.layout import scaled_camera
from geonet.src.transforms import Augmentation, split_strip
from tests.golden_files import golden_dir


@pytest.fixture(scope="module")
def golden():
    with np.load(golden_dir("geonet") / "loader.npz") as found:
        return dict(found)


def planes(image):
    """(H, W, C) -> (C, H, W)."""
    return np.ascontiguousarray(image.transpose(2, 0, 1))


@pytest.mark.parametrize("length", [3, 5])
def test_the_target_is_in_the_middle_of_a_strip(golden, length):
    stack = split_strip(golden[f"strip{length}"], length)
    np.testing.assert_array_equal(stack[:3], planes(golden[f"strip{length}_tgt"]))
    np.testing.assert_array_equal(stack[3:], planes(golden[f"strip{length}_src"]))


# Tolerance 0: the same float32 operations in the same order. Only the power may differ in its last
# bit, which would show where it moves a value over a whole number.
@pytest.mark.parametrize("number", range(3))
def test_augmentation(golden, number):
    images, cameras = golden["aug_in"], golden["aug_K_in"]
    found, expected = golden[f"aug{number}_img"], golden[f"aug{number}_K"]
    assert found.shape == tuple(golden[f"aug{number}_img_shape"])
    units = golden[f"aug{number}_unit_draws"]
    augmentation = Augmentation.of(units, *images.shape[1:3])
    for image, K, changed, changed_K in zip(images, cameras, found, expected):
        np.testing.assert_array_equal(augmentation.image(planes(image)), planes(changed))
        np.testing.assert_array_equal(augmentation.camera(K), changed_K)


def test_the_goldens_enlarge_crop_and_colour(golden):
    drawn = [
        Augmentation.of(golden[f"aug{number}_unit_draws"], *golden["aug_in"].shape[1:3])
        for number in range(3)
    ]
    assert {one.tables is None for one in drawn} == {True, False}
    assert any(one.scale_crop.size != golden["aug_in"].shape[1:3] for one in drawn)
    assert any(max(one.scale_crop.offset) > 0 for one in drawn)


def test_the_camera_of_a_file(golden, tmp_path):
    for number, K in enumerate(golden["K"]):
        path = tmp_path / f"{number}_cam.txt"
        path.write_text(",".join(f"{value:.9g}" for value in K.ravel().tolist()))
        np.testing.assert_array_equal(read_camera(path), golden["K_from_fxfycxcy"][number])


def test_the_camera_of_each_scale(golden):
    K = golden["K"]
    inv_K = np.float32(np.linalg.inv(np.float64(K)))
    for scale in range(golden["K_ms"].shape[1]):
        found = scaled_camera(ms.Tensor(K), ms.Tensor(inv_K), scale, 1)
        np.testing.assert_array_equal(found[0].asnumpy(), golden["K_ms"][:, scale])
        product = found[1].asnumpy() @ golden["K_ms"][:, scale]
        np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), K.shape), atol=1e-5)
