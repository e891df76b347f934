"""Strips and their cameras: against another writer of them, and against arithmetic."""

import numpy as np
import pytest
from PIL import Image

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation import kitti, strips
from geonet.src.preparation.frames import Strip
from geonet.src.preparation.strips import FrameSize, frame_reader, make_strip, write_strips

K = np.array([[600.0, 0, 310], [0, 620, 95], [0, 0, 1]])
SMALL = FrameSize(8, 10, 8)


def write_images(folder, count=3, size=(20, 16)):
    """Plain images, each of its own grey."""
    paths = tuple(folder / f"{number}.png" for number in range(count))
    for number, path in enumerate(paths):
        Image.new("RGB", size, (50 * number, 50 * number, 50 * number)).save(path)
    return paths


def decoded(data):
    return np.asarray(Image.open(data).convert("RGB")).astype(int)


def test_the_strips_are_those_of_another_writer(video, tmp_path):
    """tests/synthetic writes the same drives as strips from the images before they were stored."""
    drives = kitti.sequences(video / "odometry", "image_2")
    made = kitti.sequence_strips(drives, "image_2", 3)
    assert write_strips(tmp_path, FrameSize(128, 416, 128), made) == (36, [])
    expected = video / "stageone" / "train"
    names = {str(path.relative_to(expected)) for path in expected.glob("0[01]/*")}
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")} == names
    assert len(names) == 72
    for name in names:
        ours, theirs = (folder / name for folder in (tmp_path, expected))
        if name.endswith(".jpg"):
            assert ours.read_bytes() == theirs.read_bytes(), name
        else:
            numbers = [np.float64(path.read_text().split(",")) for path in (ours, theirs)]
            np.testing.assert_allclose(*numbers, atol=1e-5)


def test_the_camera_is_scaled_with_the_image(tmp_path):
    strip = Strip("a", "1", write_images(tmp_path), K)
    _, line = make_strip(strip, SMALL, frame_reader(SMALL))
    # 10 of 20 columns, 8 of 16 rows
    assert line == "300.000000,0.,155.000000,0.,310.000000,47.500000,0.,0.,1."


def test_the_camera_of_images_that_the_user_has_resized(tmp_path):
    """Its calibration is for images of 40x64 that are 20x16 on disk."""
    strip = Strip("a", "1", write_images(tmp_path), K, size=(64, 40))
    _, line = make_strip(strip, SMALL, frame_reader(SMALL))
    assert line == "150.000000,0.,77.500000,0.,77.500000,11.875000,0.,0.,1."


def test_the_lower_rows_are_cut_off_and_the_camera_stays(tmp_path):
    """As Cityscapes: rows below are left out after the image was resized."""
    paths = write_images(tmp_path)
    for path in paths:
        image = np.zeros((16, 20, 3), np.uint8)
        image[12:] = 255  # the car's own bonnet
        Image.fromarray(image).save(path)
    cut = FrameSize(8, 10, 6)
    write_strips(tmp_path, cut, [Strip("a", "1", paths, K)])
    strip = decoded(tmp_path / "a" / "1.jpg")
    assert strip.shape == (6, 30, 3)
    assert strip[:5].max() < 30
    assert (tmp_path / "a" / "1_cam.txt").read_text().endswith("310.000000,47.500000,0.,0.,1.")


def test_frames_stand_side_by_side_in_time(tmp_path):
    write_strips(tmp_path, SMALL, [Strip("a", "1", write_images(tmp_path), K)])
    path = tmp_path / "a" / "1.jpg"
    assert np.abs(decoded(path).reshape(8, 3, 10, 3).mean((0, 2, 3)) - [0, 50, 100]).max() < 3
    with Image.open(path) as image:
        quality_75 = {0: 8, 1: 9}  # of the standard tables, halved
        assert {key: table[0] for key, table in image.quantization.items()} == quality_75


def test_grey_images_become_three_channels(tmp_path):
    paths = write_images(tmp_path)
    for path in paths:
        Image.new("L", (20, 16), 90).save(path)
    write_strips(tmp_path, SMALL, [Strip("a", "1", paths, K)])
    assert np.abs(decoded(tmp_path / "a" / "1.jpg") - 90).max() < 3


def test_each_image_is_decoded_once(tmp_path, monkeypatch):
    paths, read = write_images(tmp_path, 9), []
    monkeypatch.setattr(
        strips, "read_rgb", lambda path: read.append(path) or np.zeros((16, 20, 3), np.uint8)
    )
    made = [Strip("a", str(n), paths[n : n + 5], K) for n in range(5)]
    assert write_strips(tmp_path, SMALL, made) == (5, [])
    assert read == list(paths)


def test_each_damaged_image_has_one_line_and_no_strip(tmp_path):
    paths = list(write_images(tmp_path, 8))
    paths[1].write_bytes(paths[1].read_bytes()[:60])
    paths[7].unlink()
    made = [Strip("a", str(n), tuple(paths[n : n + 3]), K) for n in range(6)]
    count, faults = write_strips(tmp_path, SMALL, made)
    assert count == 6
    assert [fault.split()[0] for fault in faults] == [str(paths[1]), str(paths[7])]
    assert faults[1] == f"{paths[7]} is missing"
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [f"{n}{end}" for n in (2, 3, 4) for end in (".jpg", "_cam.txt")]


def test_a_truncated_jpg_is_not_filled_with_grey(tmp_path):
    path = tmp_path / "a.jpg"
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(image).save(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match=f"{path} is truncated"):
        strips.read_frame(path)


def test_images_of_several_sizes_are_named(tmp_path):
    paths = write_images(tmp_path)
    Image.new("RGB", (20, 15)).save(paths[2])
    _, (fault,) = write_strips(tmp_path, SMALL, [Strip("a", "1", paths, K)])
    assert fault == f"{paths[2]} is 20x15, but 0.png is 20x16"
