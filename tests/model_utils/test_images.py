"""Image files: exact round trips, errors that name the file, writers that replace in one step."""

import os

import cv2
import numpy as np
import pytest

from depthnet.src.model_utils import images
from depthnet.src.model_utils.errors import InputError

RNG = np.random.default_rng(0)


def test_png_of_8_and_16_bits_and_rgb_round_trip(tmp_path):
    for bits, kind in ((8, np.uint8), (16, np.uint16)):
        array = RNG.integers(0, 2**bits, (5, 7)).astype(kind)
        images.write_png(tmp_path / "a.png", array)
        np.testing.assert_array_equal(images.read_png(tmp_path / "a.png", bits), array)
    rgb = RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    images.write_png(tmp_path / "rgb.png", rgb)
    np.testing.assert_array_equal(images.read_rgb(tmp_path / "rgb.png"), rgb)


def test_pfm_has_the_known_bytes_and_reads_back(tmp_path):
    array = np.float32([[1, 2, 3], [4, 5, 6]])
    images.write_pfm(tmp_path / "a.pfm", array)
    expected = b"Pf\n3 2\n-1.000000\n" + np.float32([[4, 5, 6], [1, 2, 3]]).astype("<f4").tobytes()
    assert (tmp_path / "a.pfm").read_bytes() == expected
    np.testing.assert_array_equal(images.read_pfm(tmp_path / "a.pfm"), array)


def test_a_grey_image_reads_as_rgb(tmp_path):
    images.write_png(tmp_path / "grey.png", np.full((4, 4), 77, np.uint8))
    assert (images.read_rgb(tmp_path / "grey.png") == 77).all()


@pytest.mark.parametrize(
    ("make", "read", "message"),
    [
        (lambda p: None, images.read_rgb, "No such file"),
        (lambda p: p.write_bytes(b""), images.read_rgb, "truncated, or not an image"),
        (lambda p: p.write_bytes(b"hello"), images.read_rgb, "truncated, or not an image"),
        (lambda p: p.mkdir(), images.read_rgb, "directory"),
        (
            lambda p: images.write_png(p, np.zeros((4, 4), np.uint8)),
            lambda p: images.read_png(p, 16),
            "expected 16 bits x 1 channel, got 8 x 1",
        ),
        (
            lambda p: images.write_png(p, np.zeros((4, 4, 3), np.uint8)),
            lambda p: images.read_png(p, 8),
            "expected 8 bits x 1 channel, got 8 x 3",
        ),
        (lambda p: images.write_png(p, np.zeros((4, 4), np.uint8)), images.read_pfm, "PFM"),
    ],
)
def test_bad_files_are_named(tmp_path, make, read, message):
    path = tmp_path / "bad.png"
    make(path)
    with pytest.raises(InputError, match=f"bad.png.*{message}"):
        read(path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    images.write_png(path, np.zeros((4, 4), np.uint8))
    before = path.read_bytes()
    monkeypatch.setattr(images.Path, "replace", lambda *a: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        images.write_png(path, np.ones((4, 4), np.uint8))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_any_image_keeps_its_depth_and_channels_in_opencv_s_order(tmp_path):
    array = RNG.integers(0, 2**16, (3, 4, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), array)
    np.testing.assert_array_equal(images.read_any(tmp_path / "a.png"), array)
    with pytest.raises(InputError, match="expected 16 bits x 1 channel, got 16 x 3"):
        images.read_png(tmp_path / "a.png", 16)


def test_a_pfm_has_one_channel_and_32_bits(tmp_path):
    for name, array in (("a.tiff", np.ones((2, 3))), ("b.tiff", np.ones((2, 3, 3), np.float32))):
        cv2.imwrite(str(tmp_path / name), array)
        with pytest.raises(InputError, match=f"{name}: expected a single-channel PFM"):
            images.read_pfm(tmp_path / name)


def test_sizes_that_would_take_gigabytes_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_MOST_PIXELS", 12)
    images.write_png(tmp_path / "a.png", np.zeros((3, 4), np.uint8))
    assert images.read_any(tmp_path / "a.png").shape == (3, 4)
    images.write_png(tmp_path / "a.png", np.zeros((13, 1), np.uint8))
    with pytest.raises(InputError, match=r"a.png: more than 12 pixels; damaged, or scale"):
        images.read_any(tmp_path / "a.png")
    monkeypatch.setattr(images.Image, "MAX_IMAGE_PIXELS", 4)  # Pillow's own limit
    with pytest.raises(InputError, match="a.png: more than 12 pixels"):
        images.read_rgb(tmp_path / "a.png")


def test_the_limit_is_64_binary_million_pixels(tmp_path, monkeypatch):
    images.write_png(tmp_path / "a.png", np.zeros((13, 1), np.uint8))
    monkeypatch.setattr(images.Image, "MAX_IMAGE_PIXELS", 4)  # as if it were larger
    with pytest.raises(InputError, match="a.png: more than 67,108,864 pixels"):
        images.read_any(tmp_path / "a.png")


def test_floats_of_a_shape(tmp_path):
    values = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    values.tofile(tmp_path / "a.bin")
    np.testing.assert_array_equal(
        images.read_floats(tmp_path / "a.bin", (1, 2, 3), "run it"), values
    )
    message = r"a.bin has 24 bytes, expected 28 \(1x7 float32\)"
    with pytest.raises(InputError, match=message):
        images.read_floats(tmp_path / "a.bin", (1, 7), "run it")
    with pytest.raises(InputError, match="b.bin does not exist; run it"):
        images.read_floats(tmp_path / "b.bin", (6,), "run it")
    for bad in (np.nan, np.inf):
        np.float32([1, bad]).tofile(tmp_path / "c.bin")
        with pytest.raises(InputError, match="c.bin holds values that are not finite"):
            images.read_floats(tmp_path / "c.bin", (2,), "run it")


def test_npy_reads_back(tmp_path):
    images.write_npy(tmp_path / "a.npy", np.float32([[1, 2]]))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.float32([[1, 2]]))


def test_colours_run_from_dark_to_bright_and_what_is_not_finite_is_black():
    values = np.array([[2.0, 3.0, 4.0, 9.0, np.nan, np.inf, -np.inf, 1.0]])
    colors = images.colorize(values, 2, 4)[0]
    inferno = cv2.applyColorMap(np.uint8([[0, 128, 255]]), cv2.COLORMAP_INFERNO)[0, :, ::-1]
    low, middle, high = inferno
    black = np.zeros(3)
    expected = [low, middle, high, high, black, black, black, low]
    np.testing.assert_array_equal(colors, expected)
    assert colors.dtype == np.uint8 and low.sum() < middle.sum() < high.sum()


def test_the_range_is_two_percentiles_of_the_finite_values():
    values = np.r_[np.arange(101.0), np.nan, np.inf]
    assert images.value_range(values) == (2.0, 98.0)
    assert images.value_range(values, 10) == (10.0, 90.0)
    low, high = images.value_range(np.full(3, 5.0))
    assert low == 5 and high == 5 + 1e-6


def test_range_ignores_outliers_and_what_is_not_finite():
    values = np.r_[np.linspace(1, 2, 1000), 1e9, np.nan, np.inf]
    low, high = images.value_range(values)
    assert 1 <= low < 1.05 and 1.95 < high <= 2.05
    assert images.value_range(np.full(3, np.nan)) == (0.0, 1.0)


def test_enlarging_keeps_hard_pixels():
    image = RNG.integers(0, 256, (2, 3, 3)).astype(np.uint8)
    expected = np.repeat(np.repeat(image, 2, 0), 2, 1)
    np.testing.assert_array_equal(images.enlarge(image, height=4, width=6), expected)


def encoded(kind, size=(300, 200)):
    """A large enough image file, of noise."""
    array = RNG.integers(0, 256, (*size, 3)).astype(np.uint8)
    return cv2.imencode(kind, array)[1].tobytes()


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_header_tells_size_and_mode(tmp_path, kind):
    path = tmp_path / f"a{kind}"
    path.write_bytes(encoded(kind))
    for checksums in (False, True):
        header = images.image_header(path, checksums)
        assert (header.size, header.mode) == ((300, 200), "RGB")
    images.write_png(tmp_path / "grey.png", np.zeros((3, 5), np.uint8))
    header = images.image_header(tmp_path / "grey.png")
    assert header == images.ImageHeader((3, 5), "L") and hash(header) == hash(((3, 5), "L"))


@pytest.mark.parametrize("kind", [".jpg", ".png"])
def test_a_truncated_image_is_found_without_decoding_it(tmp_path, kind):
    path, data = tmp_path / f"a{kind}", encoded(kind)
    for rest in (1, 2, 100, len(data) // 2):
        path.write_bytes(data[:-rest])
        with pytest.raises(InputError, match=f"a{kind} is truncated"):
            images.image_header(path)


def test_data_after_the_end_of_a_jpeg_is_no_damage(tmp_path):
    """Cameras append thumbnails and the like; the end is looked for in the last 64 KiB."""
    path, data = tmp_path / "a.jpg", encoded(".jpg")
    path.write_bytes(data + b"\0" * 65534)
    assert images.image_header(path).size == (300, 200)
    path.write_bytes(data + b"\0" * 65535)
    with pytest.raises(InputError, match="is truncated"):
        images.image_header(path)


def test_a_png_s_checksums_are_checked_when_asked(tmp_path):
    path, data = tmp_path / "a.png", bytearray(encoded(".png"))
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert images.image_header(path).size == (300, 200)
    with pytest.raises(InputError, match="a.png is empty, broken or not an image"):
        images.image_header(path, checksums=True)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match="a.png is empty, broken or not an image"):
        images.image_header(tmp_path / "a.png")
    with pytest.raises(InputError, match="b.png is missing"):
        images.image_header(tmp_path / "b.png")


def check(sample):
    if sample < 0:
        raise InputError(f"{sample} is bad")


def test_good_samples_are_all_samples(printed):
    assert images.good_samples([1, 2], check, False, "data") == [1, 2]
    assert images.good_samples([], check, False, "data") == []
    assert printed() == ""


def test_bad_samples_are_printed_and_left_out_or_an_error(printed):
    assert images.good_samples([1, -2, 3, -4], check, True, "data") == [1, 3]
    assert printed().splitlines() == [
        "bad sample: -2 is bad",
        "bad sample: -4 is bad",
        "left out 2 bad samples of 4 in data",
    ]
    message = "2 of 3 samples in data are bad, first: -2 is bad; repair them or add --skip_bad"
    with pytest.raises(InputError, match=message):
        images.good_samples([1, -2, -4], check, False, "data")
    assert printed().splitlines() == ["bad sample: -2 is bad", "bad sample: -4 is bad"]
    with pytest.raises(InputError, match="2 of 2 samples in data are bad, first: -2 is bad$"):
        images.good_samples([-2, -4], check, True, "data")


def test_depth_is_written_in_millimetres():
    values = np.float32([[0.0004, 0.0006, 1.2345, 65.5, 99, -1]])
    assert images.to_png16(values, "depth").tolist() == [[0, 1, 1234, 65500, 65535, 0]]
    assert images.to_png16(values, "depth").dtype == np.uint16


@pytest.mark.parametrize("kind", ["inverse_depth", "disparity"])
def test_inverse_depth_takes_the_full_range_truncated_as_midas_does(kind):
    values = np.float32([[2, 3, 4, 6]])
    assert images.to_png16(values, kind).tolist() == [[0, 16383, 32767, 65535]]
    assert images.to_png16(np.full((2, 2), 3.0), kind).tolist() == [[0, 0], [0, 0]]
    for levels in (images.to_png16(values, kind), images.to_png16(values * 0, kind)):
        assert levels.dtype == np.uint16
    assert images.to_png16(np.float32([-1, 1]), kind).tolist() == [0, 65535]
    narrow = np.float32([0, np.finfo(np.float32).eps])
    assert images.to_png16(narrow, kind).tolist() == [0, 0]
    assert images.to_png16(2 * narrow, kind).tolist() == [0, 65535]


def test_near_is_large():
    values = np.array([0.0, 2.0, 4.0])
    assert images.nearness(values, "depth").tolist() == [1e6, 0.5, 0.25]
    for kind in ("inverse_depth", "disparity"):
        assert images.nearness(values, kind) is values


@pytest.mark.parametrize("formats", [[], ["png"], ["pfm"], ["npy"], ["color"], ["png", "npy"]])
def test_the_formats_that_are_asked_for(tmp_path, formats):
    values = np.linspace(1, 5, 12, dtype=np.float32).reshape(3, 4)
    images.write_outputs(tmp_path / "a.b", values.astype(np.float64), "depth", formats)
    names = {"png": "a.b.png", "pfm": "a.b.pfm", "npy": "a.b.npy", "color": "a.b_color.png"}
    assert sorted(os.listdir(tmp_path)) == sorted(names[f] for f in formats)
    if "png" in formats:
        expected = np.uint16(np.rint(values * 1000))
        np.testing.assert_array_equal(images.read_png(tmp_path / "a.b.png", 16), expected)
    if "pfm" in formats:
        np.testing.assert_array_equal(images.read_pfm(tmp_path / "a.b.pfm"), values)
    if "npy" in formats:
        read = np.load(tmp_path / "a.b.npy")
        assert read.dtype == np.float32 and (read == values).all()
    if "color" in formats:
        near = 1 / values
        expected = images.colorize(near, *images.value_range(near))
        np.testing.assert_array_equal(images.read_rgb(tmp_path / "a.b_color.png"), expected)
