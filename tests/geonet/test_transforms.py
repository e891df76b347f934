"""Splitting, area resizing, cropping and colour changes of strips."""

import zlib

import numpy as np
import pytest

from geonet.src.model_utils.resize import interpolation_matrix
from geonet.src.transforms import Augmentation, ScaleCrop, color_tables, split_strip

RNG = np.random.default_rng(0)
STACK = RNG.integers(0, 256, (9, 24, 40), np.uint8)
K = np.float32([[30, 0, 21], [0, 28, 11], [0, 0, 1]])
ONES = np.float32((1, 1))


def line(values, size, offset):
    """A line of pixels enlarged to `size`, its window from `offset` on."""
    crop = ScaleCrop(ONES, (1, size), (0, offset))
    return crop.image(np.uint8([[values]]))[0, 0].tolist()


def test_frames_of_a_strip_in_their_order():
    strip = np.zeros((2, 20, 3), np.uint8)
    for frame in range(5):
        strip[:, 4 * frame : 4 * frame + 4] = 10 * frame + np.arange(3)
    stack = split_strip(strip, 5)
    assert stack.shape == (15, 2, 4)
    frames = [20, 0, 10, 30, 40]  # the middle one, then by time
    assert stack[:, 1, 3].tolist() == [frame + channel for frame in frames for channel in range(3)]
    assert (stack == stack[:, :1, :1]).all()


def test_an_enlarged_pixel_is_the_mean_of_what_it_covers():
    assert line([0, 90, 180], 4, 0) == [0, 60, 120]  # (0.25 * 0 + 0.5 * 90) / 0.75
    assert line([0, 90, 180], 4, 1) == [60, 120, 180]
    assert line([0, 10, 50], 4, 1) == [6, 23, 50]  # 6.67 and 23.33, truncated


def test_rounding_before_truncation_is_kept():
    assert line([3] * 6, 7, 0)[0] == 2  # 3 * 0.85714287 * 1.1666666 is 2.9999998
    # Pixel 4 of 9 lies within an input pixel and weighs 0.7777778, its rounded ends 0.7777777.
    assert line([10] * 7, 9, 2)[2] == 10


@pytest.mark.parametrize(
    ("size", "offset", "checksum"),
    [
        ((141, 459), (5, 20), 2156774720),
        ((147, 417), (19, 1), 2529053355),
        ((128, 478), (0, 62), 2982007517),
    ],
)
def test_images_of_the_real_size_equal_tensorflows(size, offset, checksum):
    """The checksums are of what tf.compat.v1.image.resize_area of TensorFlow 2.15.1 gave."""
    image = np.random.default_rng(0).integers(0, 256, (3, 128, 416), np.uint8)
    window = ScaleCrop(ONES, size, offset).image(image)
    assert zlib.crc32(window.tobytes()) == checksum


def test_the_same_along_the_other_axis():
    image = np.uint8([[[0], [90], [180]]])
    assert ScaleCrop(ONES, (4, 1), (1, 0)).image(image)[0, :, 0].tolist() == [60, 120, 180]


@pytest.mark.parametrize("size", [(24, 40), (25, 44), (27, 40), (27, 46)])
@pytest.mark.parametrize("corner", ["first", "last"])
def test_area_resizing_by_its_definition(size, corner):
    height, width = STACK.shape[1:]
    top, left = (0, 0) if corner == "first" else (size[0] - height, size[1] - width)
    rows, columns = (
        np.float64(interpolation_matrix(old, new, "area"))
        for old, new in zip((height, width), size)
    )
    exact = (rows @ STACK @ columns.T)[:, top : top + height, left : left + width]
    found = ScaleCrop(ONES, size, (top, left)).image(STACK)
    # float32 may round over a whole number, before the rest is cut off.
    is_clear = abs(exact - np.round(exact)) > 1e-3
    assert is_clear.mean() > 0.5 or size == (height, width)
    np.testing.assert_array_equal(found[is_clear], np.floor(exact)[is_clear])
    np.testing.assert_allclose(found, exact, atol=1.001)


def test_the_size_of_an_image_that_is_not_enlarged_is_kept_to_the_bit():
    np.testing.assert_array_equal(ScaleCrop(ONES, (24, 40), (0, 0)).image(STACK), STACK)


def test_a_window_is_a_part_of_the_enlarged_image():
    first = ScaleCrop(ONES, (27, 46), (0, 0)).image(STACK)
    second = ScaleCrop(ONES, (27, 46), (2, 3)).image(STACK)
    np.testing.assert_array_equal(first[:, 2:, 3:], second[:, :-2, :-3])


def test_the_camera_of_a_window():
    crop = ScaleCrop(np.float32((1.5, 2.0)), (48, 60), (5, 7))
    assert crop.camera(K).tolist() == [[45, 0, 24.5], [0, 56, 17], [0, 0, 1]]
    assert crop.camera(K).dtype == np.float32


def test_draws_choose_scale_and_window():
    crop = ScaleCrop.of(np.array([0, 0.999999, 0.5, 0.0]), 100, 200)
    assert crop.scale == pytest.approx((1.0, 1.15))
    assert crop.size == (114, 200)
    assert crop.offset == (7, 0)  # of 0 to 14
    ends = [
        ScaleCrop.of(np.array([0.9, 0.9, *unit]), 100, 200) for unit in ((0, 0), (0.999, 0.999))
    ]
    assert ends[0].size == (113, 227)
    assert [crop.offset for crop in ends] == [(0, 0), (13, 27)]  # both ends are drawn


def test_colours_by_hand():
    same = [0.5, 1 / 3]  # gamma 1, brightness 1
    plain, bright, dark = color_tables(np.array([*same, 0.5, 1.0, 0.0]))
    assert plain.tolist() == list(range(256))
    assert bright[[100, 200, 220, 255]].tolist() == [120, 240, 255, 255]  # 1.2, clipped
    assert dark[[100, 255]].tolist() == [80, 204]  # 0.8
    gamma = color_tables(np.array([0.0, 1 / 3, 0.5]))[0]
    assert gamma[[0, 64, 255]].tolist() == [0, 84, 255]  # 255.5 (64 / 255)^0.8 = 84.6
    brightness = color_tables(np.array([0.5, 1.0, 0.5]))[0]
    assert brightness[[0, 50, 128]].tolist() == [0, 100, 255]  # 2


@pytest.mark.parametrize(("draw", "is_colored"), [(0.49, False), (0.5, False), (0.51, True)])
def test_colours_change_above_one_half(draw, is_colored):
    units = RNG.random(Augmentation.draws(3))
    units[4] = draw
    found = Augmentation.of(units, 24, 40, random_scale_crop=False).image(STACK)
    expected = STACK
    if is_colored:
        tables = color_tables(units[5:])
        expected = np.stack([table[plane] for plane, table in zip(STACK, tables)])
    np.testing.assert_array_equal(found, expected)
    assert (found != STACK).any() == is_colored


def test_each_channel_of_each_frame_has_its_own_factor():
    units = np.linspace(0, 0.99, Augmentation.draws(3))
    units[4:7] = 0.9, 0.5, 1 / 3
    grey = np.full((9, 4, 4), 100, np.uint8)
    found = Augmentation.of(units, 4, 4, random_scale_crop=False).image(grey)
    assert len({int(plane[0, 0]) for plane in found}) == 9


def test_the_parts_are_left_out_without_a_change_of_the_other():
    units = RNG.random(Augmentation.draws(3))
    units[4] = 0.9
    both = Augmentation.of(units, 24, 40)
    moved = Augmentation.of(units, 24, 40, random_color=False)
    colored = Augmentation.of(units, 24, 40, random_scale_crop=False)
    np.testing.assert_array_equal(both.image(STACK), colored.image(moved.image(STACK)))
    np.testing.assert_array_equal(both.camera(K), moved.camera(K))
    np.testing.assert_array_equal(colored.camera(K), K)
    assert moved.tables is None
