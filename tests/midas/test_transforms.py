"""Network sizes, interpolation and normalisation by hand."""

import numpy as np
import pytest

from midas.src.model_utils.config import read_options
from midas.src.transforms import flip, network_size, prepare_image, resize_nearest
from tests.conftest import REPOSITORY

AIM = (384, 384)


@pytest.mark.parametrize(
    ("image", "method", "expected"),
    [
        # 1242 x 375 scaled by 384 / 375: 1271.8, and 39.74 times 32 rounds to 40.
        ((1242, 375), "lower_bound", (1280, 384)),
        # Scaled by 384 / 1242: 115.9 = 3.62 times 32 rounds to 4.
        ((1242, 375), "upper_bound", (384, 128)),
        ((640, 480), "upper_bound", (384, 288)),
        ((480, 640), "upper_bound", (288, 384)),
        # 390 is nearer to 384 than 1000: scaled by 384 / 390, 984.6 = 30.77 times 32.
        ((1000, 390), "minimal", (992, 384)),
        # 0.5 and 1.5 are as far from 1: the height decides.
        ((768, 256), "minimal", (1152, 384)),
        # By 384 / 426: 230.8 = 7.2 times 32; the 1.5 of the height is further from 1.
        ((426, 256), "minimal", (384, 224)),
        # 370 rounds up to 384, which is no more than is wanted.
        ((384, 370), "upper_bound", (384, 384)),
        # 390 rounds down to 384, which is no less than is wanted.
        ((384, 390), "lower_bound", (384, 384)),
        # 2.5 and 3.5 times 32: ties go to the even multiple.
        ((384, 80), "upper_bound", (384, 64)),
        ((384, 112), "upper_bound", (384, 128)),
    ],
)
def test_network_size(image, method, expected):
    assert network_size(image, AIM, method=method, keep_aspect_ratio=True) == expected


def test_aspect_is_dropped_when_asked():
    assert network_size((1242, 375), AIM, method="upper_bound") == AIM


def test_a_side_never_becomes_zero():
    flat = network_size((3000, 100), AIM, method="upper_bound", keep_aspect_ratio=True)
    assert flat == (384, 32)


def test_every_resize_method_of_config_yaml_to_multiples_of_64():
    """640 x 480 to 384: by 0.6 384 x 288, whose 4.5 times 64 rounds to 4; by 0.8 512 x 384."""
    expected = {"upper_bound": (384, 256), "lower_bound": (512, 384), "minimal": (512, 384)}
    options = {"keep_aspect_ratio": True, "multiple_of": 64}
    for method in read_options(REPOSITORY / "midas" / "config.yaml").allowed["resize_method"]:
        assert network_size((640, 480), AIM, method=method, **options) == expected.pop(method)
    assert not expected


def test_normalisation_by_hand():
    image = np.zeros((6, 6, 3), np.uint8)
    image[...] = (255, 51, 0)
    got = prepare_image(image, (4, 5), [0.5, 0.1, 0.25], [0.25, 0.2, 0.5])
    assert got.shape == (3, 5, 4) and got.dtype == np.float32 and got.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(got[:, 2, 2], [2.0, 0.5, -0.5], atol=1e-6)


def test_cubic_weights_by_hand():
    """A step doubled in width: a = -0.75 puts 0.10547 of overshoot beside it."""
    image = np.zeros((1, 8, 3), np.uint8)
    image[:, 4:] = 255
    row = prepare_image(image, (16, 1), [0, 0, 0], [1, 1, 1])[0, 0]
    np.testing.assert_allclose(row[:5], 0, atol=1e-6)
    np.testing.assert_allclose(row + row[::-1], 1, atol=1e-6)
    assert row[6] == pytest.approx(-0.03515625 - 0.0703125, abs=1e-6)


def test_nearest_takes_the_floor():
    values = np.arange(7, dtype=np.float32)[None]
    source = [0, 2, 4]  # floor(i * 7 / 3)
    np.testing.assert_array_equal(resize_nearest(values, (3, 1))[0], source)
    mask = np.array([[True, False, True]])
    got = resize_nearest(mask, (6, 1))
    assert got.dtype == bool
    np.testing.assert_array_equal(got[0], [True, True, False, False, True, True])


def test_flip_mirrors_the_width():
    image, depth = np.arange(12).reshape(3, 2, 2), np.arange(4).reshape(2, 2)
    mirrored = flip(image, depth)
    np.testing.assert_array_equal(mirrored[0][1], [[5, 4], [7, 6]])
    np.testing.assert_array_equal(mirrored[1], [[1, 0], [3, 2]])
    for twice, original in zip(flip(*mirrored), (image, depth)):
        np.testing.assert_array_equal(twice, original)


def test_sides_are_rounded_to_the_side_of_the_bound():
    """100 lies between 96 and 128, nearer to 96; a tie of "minimal" goes to the height."""
    assert network_size((640, 480), (100, 100), method="lower_bound") == (128, 128)
    assert network_size((640, 480), (100, 100), method="upper_bound") == (96, 96)
    assert network_size((640, 480), (126, 126), method="upper_bound") == (96, 96)
    assert network_size((640, 480), (126, 126), method="minimal") == (128, 128)
    # 0.5 and 1.5 are equally far from 1.
    tie = {"method": "minimal", "keep_aspect_ratio": True}
    assert network_size((200, 100), (100, 150), **tie) == (288, 160)
