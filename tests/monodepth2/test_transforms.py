"""Reading, pyramid and colour jitter of images."""

import numpy as np
import pytest
from PIL import Image

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.transforms import (
    Jitter,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    mirrored,
    network_input,
    pyramid,
    read_image,
    resize_nearest,
    to_planes,
)

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


def test_an_image_is_read_upright(tmp_path):
    image = Image.fromarray(PIXELS)
    tags = image.getexif()
    tags[0x0112] = 6  # held sideways
    image.save(tmp_path / "a.png", exif=tags)
    found = np.asarray(read_image(tmp_path / "a.png"))
    np.testing.assert_array_equal(found, np.rot90(PIXELS, -1))


def test_a_grey_image_has_three_equal_channels(tmp_path):
    Image.fromarray(PIXELS[..., 0]).save(tmp_path / "a.png")
    found = to_planes(read_image(tmp_path / "a.png"))
    np.testing.assert_array_equal(found, np.repeat(PIXELS[None, ..., 0], 3, 0))


def test_a_bad_file_is_named(tmp_path):
    path = tmp_path / "a.jpg"
    with pytest.raises(InputError, match=r"a\.jpg is missing"):
        read_image(path)
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"a\.jpg is empty, broken or not an image"):
        read_image(path)


def test_each_scale_is_made_from_the_one_before():
    first, second, third = pyramid(Image.fromarray(PIXELS), 32, 64, 3)
    assert [level.size for level in (first, second, third)] == [(64, 32), (32, 16), (16, 8)]
    again = second.resize((16, 8), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(np.asarray(third), np.asarray(again))
    direct = first.resize((16, 8), Image.Resampling.LANCZOS)
    assert (np.asarray(third) != np.asarray(direct)).any()


def test_the_input_of_a_network_is_scale_0():
    expected = to_planes(pyramid(Image.fromarray(PIXELS), 32, 64, 1)[0])
    np.testing.assert_array_equal(network_input(PIXELS, 32, 64), expected)


def test_mirrored():
    np.testing.assert_array_equal(np.asarray(mirrored(Image.fromarray(PIXELS))), PIXELS[:, ::-1])


def test_the_nearest_pixel_is_that_of_the_middle():
    values = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(resize_nearest(values, 1, 2), [[5, 7]])
    assert resize_nearest(values, 6, 8)[5, 7] == 11


def adjusted(change, factor, pixel):
    return np.asarray(change(Image.fromarray(np.uint8([[pixel]])), factor))[0, 0].tolist()


def test_colours_by_hand():
    assert adjusted(adjust_brightness, 1.2, (100, 200, 250)) == [120, 240, 255]
    assert adjusted(adjust_contrast, 0.5, (0, 0, 100)) == [5, 5, 55]  # grey: 0.114 * 100
    assert adjusted(adjust_saturation, 0.0, (0, 0, 100)) == [11, 11, 11]
    assert adjusted(adjust_hue, 1 / 3, (200, 0, 0)) == [0, 200, 0]


def test_a_hue_turns_by_whole_255ths():
    image = Image.fromarray(PIXELS)
    found, expected = (np.asarray(adjust_hue(image, shift)) for shift in (0.047, 11.1 / 255))
    np.testing.assert_array_equal(found, expected)  # 0.047 * 255 = 11.985


def test_nothing_changes_by_a_factor_of_one():
    image = Image.fromarray(PIXELS)
    for change in (adjust_brightness, adjust_contrast, adjust_saturation):
        np.testing.assert_array_equal(np.asarray(change(image, 1.0)), PIXELS)


def test_the_changes_act_in_their_order():
    image = Image.fromarray(PIXELS)
    jitter = Jitter(1.2, 0.8, 1.0, 0.0, ["contrast", "brightness"])
    expected = adjust_brightness(adjust_contrast(image, 0.8), 1.2)
    np.testing.assert_array_equal(np.asarray(jitter(image)), np.asarray(expected))


def test_draws_cover_their_ranges():
    rng = np.random.default_rng(0)
    drawn = [Jitter.draw(rng) for _ in range(400)]
    for name, low, high in (
        ("brightness", 0.8, 1.2),
        ("contrast", 0.8, 1.2),
        ("saturation", 0.8, 1.2),
        ("hue", -0.1, 0.1),
    ):
        values = [getattr(one, name) for one in drawn]
        assert low <= min(values) < low + 0.01
        assert high - 0.01 < max(values) <= high
    assert len({tuple(one.order) for one in drawn}) == 24
