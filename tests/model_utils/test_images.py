"""Image files: exact round trips, errors that name the file, writers that replace in one step."""

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


def test_a_grey_picture_reads_as_rgb(tmp_path):
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


def test_colours_run_from_dark_to_bright_and_nan_is_black():
    colors = images.colorize(np.array([[0.0, 0.5, 1.0, 2.0, np.nan]]), 0, 1).astype(int).sum(2)[0]
    assert colors[0] < colors[1] < colors[2] == colors[3]
    assert colors[4] == 0


def test_a_panel_shows_its_tiles_unchanged():
    tile = RNG.integers(0, 256, (240, 320, 3)).astype(np.uint8)
    picture = images.panel([("image", tile), ("depth", tile)], 0.5, 7, "m")
    assert picture.shape[1] == 640
    np.testing.assert_array_equal(picture[24:264, 320:], tile)
    legend = picture[-24:].astype(int)
    assert legend[12, 110].sum() < legend[12, -110].sum()


def test_range_ignores_outliers_and_what_is_not_finite():
    values = np.r_[np.linspace(1, 2, 1000), 1e9, np.nan, np.inf]
    low, high = images.value_range(values)
    assert 1 <= low < 1.05 and 1.95 < high <= 2.05
    assert images.value_range(np.full(3, np.nan)) == (0.0, 1.0)


def test_enlarging_keeps_hard_pixels():
    image = RNG.integers(0, 256, (2, 3, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        images.enlarge(image, 4, 6), np.repeat(np.repeat(image, 2, 0), 2, 1)
    )
    assert cv2.INTER_NEAREST == 0
