"""Crop, resize, flip and jitter."""

import numpy as np
import pytest

from depthnet.src import transforms

RNG = np.random.default_rng(0)


def test_the_crop_of_a_nyu_frame_and_of_other_sizes():
    assert transforms.crop_box(480, 640) == (12, 16, 456, 608)
    assert transforms.crop_box(240, 320) == (6, 8, 228, 304)
    top, left, height, width = transforms.crop_box(375, 1242)
    assert top > 0 and top + height <= 375 and left > 0 and left + width <= 1242
    assert transforms.crop(np.zeros((480, 640, 3))).shape == (456, 608, 3)


def test_a_constant_stays_constant_through_the_resize():
    rgb = transforms.image_input(np.full((480, 640, 3), 51, np.uint8))
    assert rgb.shape == (3, 228, 304) and rgb.dtype == np.float32
    np.testing.assert_allclose(rgb, 0.2, atol=1e-6)
    depth = transforms.depth_target(np.full((480, 640), 3.5))
    assert depth.shape == (1, 55, 74)
    np.testing.assert_allclose(depth, 3.5, atol=1e-5)


def test_channels_keep_their_order():
    picture = np.zeros((480, 640, 3), np.uint8)
    picture[..., 0] = 255
    rgb = transforms.image_input(picture)
    assert rgb[0].min() == 1 and rgb[1:].max() == 0


def test_unknown_depth_is_mixed_in_unless_masked():
    depth = np.where(RNG.random((480, 640)) < 0.1, 0, 4.0)
    mixed, masked = transforms.depth_target(depth), transforms.depth_target(depth, True)
    assert ((mixed > 0) & (mixed < 3.99)).any()
    assert set(np.unique(masked).round(4)) == {0, 4}


@pytest.mark.parametrize("seed", range(6))
def test_flip_moves_all_pictures_or_none(seed):
    a, b = RNG.random((4, 6, 3)), RNG.random((4, 6))
    left, right = transforms.flip(np.random.default_rng(seed), a, b)
    flipped = not np.array_equal(left, a)
    np.testing.assert_array_equal(right, b[:, ::-1] if flipped else b)


def test_both_outcomes_of_the_flip_happen():
    a = np.arange(6).reshape(1, 6)
    results = {transforms.flip(np.random.default_rng(s), a)[0][0, 0] for s in range(20)}
    assert results == {0, 5}


def test_jitter_darkens_a_flat_picture_by_at_most_a_fifth():
    flat = np.full((20, 30, 3), 0.5, np.float32)
    means = [transforms.jitter(np.random.default_rng(s), flat).mean() for s in range(40)]
    assert 0.4 <= min(means) < 0.42 and 0.48 < max(means) <= 0.5


def test_sharpness_keeps_the_border_and_the_mean_of_the_inside():
    class Fixed:
        def __init__(self, *values):
            self.values = list(values)

        def uniform(self, low, high):
            return self.values.pop(0)

    picture = RNG.random((20, 30, 3)).astype(np.float32)
    soft = transforms.jitter(Fixed(1.0, 0.8), picture)
    sharp = transforms.jitter(Fixed(1.0, 1.2), picture)
    np.testing.assert_allclose(transforms.jitter(Fixed(1.0, 1.0), picture), picture, atol=1e-6)
    np.testing.assert_allclose(soft[0], picture[0], atol=1e-6)
    assert soft[1:-1, 1:-1].std() < picture[1:-1, 1:-1].std() < sharp[1:-1, 1:-1].std()
