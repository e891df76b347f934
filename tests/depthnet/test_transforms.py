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


def test_the_crop_is_rounded_to_the_nearest_pixel():
    """375x1242: 12 * 375 / 480 = 9.4, 16 * 1242 / 640 = 31.05, 356.25 and 1179.9."""
    assert transforms.crop_box(375, 1242) == (9, 31, 356, 1180)


def test_the_crop_cuts_out_the_middle():
    """Of 48 rows and 64 columns it leaves 1..46 and 2..62: 12 / 10 = 1.2, 16 / 10 = 1.6."""
    rows, columns = np.mgrid[:48, :64]
    assert transforms.crop(rows)[[0, -1], 0].tolist() == [1, 46]
    assert transforms.crop(columns)[0, [0, -1]].tolist() == [2, 62]


def test_float_images_are_taken_as_cropped_already():
    """A ramp over the columns of 456x608 pixels halves exactly: the mean of each two columns."""
    ramp = np.repeat(np.arange(608, dtype=np.float32)[None, :, None], 456, 0)
    got = transforms.image_input(np.repeat(ramp, 3, 2))
    np.testing.assert_allclose(got[0, 5], np.arange(304) * 2 + 0.5, atol=1e-4)


def test_a_constant_stays_constant_through_the_resize():
    rgb = transforms.image_input(np.full((480, 640, 3), 51, np.uint8))
    assert rgb.shape == (3, 228, 304) and rgb.dtype == np.float32
    np.testing.assert_allclose(rgb, 0.2, atol=1e-6)
    depth = transforms.depth_target(np.full((480, 640), 3.5))
    assert depth.shape == (1, 55, 74)
    np.testing.assert_allclose(depth, 3.5, atol=1e-5)


def test_channels_keep_their_order():
    red = np.zeros((480, 640, 3), np.uint8)
    red[..., 0] = 255
    rgb = transforms.image_input(red)
    assert rgb[0].min() == 1 and rgb[1:].max() == 0


@pytest.mark.parametrize("depth_m", [0.5, 1.0, 4.0])
def test_unknown_depth_is_mixed_in_unless_masked(depth_m):
    depth = np.where(RNG.random((480, 640)) < 0.1, 0, depth_m)
    mixed, masked = transforms.depth_target(depth), transforms.depth_target(depth, True)
    assert ((mixed > 0) & (mixed < 0.99 * depth_m)).any()
    assert set(np.unique(masked).round(4)) == {0, depth_m}
    assert (masked == 0).mean() < 0.5


def test_depth_beyond_the_crop_does_not_count():
    depth = np.full((480, 640), 9.0)
    depth[12:468, 16:624] = 2
    np.testing.assert_allclose(transforms.depth_target(depth), 2, atol=1e-6)


def test_limits_of_the_depth():
    assert (transforms.MIN_DEPTH, transforms.MAX_DEPTH) == (0.1, 10.0)


@pytest.mark.parametrize("seed", range(6))
def test_flip_moves_all_images_or_none(seed):
    a, b = RNG.random((4, 6, 3)), RNG.random((4, 6))
    left, right = transforms.flip(np.random.default_rng(seed), a, b)
    flipped = not np.array_equal(left, a)
    np.testing.assert_array_equal(right, b[:, ::-1] if flipped else b)


def test_both_outcomes_of_the_flip_happen():
    a = np.arange(6).reshape(1, 6)
    results = {transforms.flip(np.random.default_rng(s), a)[0][0, 0] for s in range(20)}
    assert results == {0, 5}


def test_half_of_the_images_are_flipped():
    class Draw:
        def __init__(self, value):
            self.value = value

        def random(self):
            return self.value

    image = np.arange(6).reshape(1, 6)
    flipped = [transforms.flip(Draw(v), image)[0][0, 0] == 5 for v in (0.0, 0.49, 0.5, 0.99)]
    assert flipped == [True, True, False, False]


class Fixed:
    """A generator that gives out certain numbers, and remembers between which it was asked."""

    def __init__(self, *values):
        self.values, self.limits = list(values), []

    def uniform(self, low, high):
        self.limits.append((low, high))
        return self.values.pop(0)


def test_jitter_draws_brightness_and_sharpness():
    rng = Fixed(0.9, 1.1)
    transforms.jitter(rng, np.zeros((4, 4, 3), np.float32))
    assert rng.limits == [(0.8, 1.0), (0.8, 1.2)]


def test_jitter_darkens_a_flat_image_by_at_most_a_fifth():
    flat = np.full((20, 30, 3), 0.5, np.float32)
    means = [transforms.jitter(np.random.default_rng(s), flat).mean() for s in range(40)]
    assert 0.4 <= min(means) < 0.42 and 0.48 < max(means) <= 0.5


def test_sharpness_of_a_bright_point_by_hand():
    """Smoothed by 1/13 around 5/13 it would be 5; a factor of 0.5 goes halfway there."""
    image = np.zeros((5, 6, 3), np.float32)
    image[2, 2] = 13
    expected = np.zeros((5, 6), np.float32)
    expected[1:4, 1:4] = 0.5
    expected[2, 2] = 9
    soft = transforms.jitter(Fixed(1.0, 0.5), image)
    np.testing.assert_allclose(soft, np.repeat(expected[..., None], 3, 2), atol=1e-5)
    sharp = transforms.jitter(Fixed(1.0, 1.5), image)
    np.testing.assert_allclose(sharp, 2 * image - soft, atol=1e-5)
    dark = transforms.jitter(Fixed(0.8, 1.0), image)
    np.testing.assert_allclose(dark, 0.8 * image, atol=1e-5)


def test_jitter_of_8_bits_is_that_of_floats():
    image = RNG.integers(0, 256, (9, 11, 3), np.uint8)
    of_bits = transforms.jitter(Fixed(0.85, 1.15), image)
    of_floats = transforms.jitter(Fixed(0.85, 1.15), transforms.unit_range(image))
    assert of_bits.dtype == of_floats.dtype == np.float32
    np.testing.assert_allclose(of_bits, of_floats, atol=1e-6)


def test_sharpness_keeps_the_border():
    image = RNG.random((6, 7, 3)).astype(np.float32)
    soft = transforms.jitter(Fixed(1.0, 0.8), image)
    changed = np.abs(soft - image).max(2) > 1e-5
    assert changed[1:-1, 1:-1].all() and changed.sum() == 4 * 5
