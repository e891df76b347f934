"""Lists, headers and camera files: what is wrong is named before anything is loaded."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from geonet.src.datasets.strip_files import StripSize, find_strips, read_camera, strip_size
from geonet.src.model_utils.errors import InputError

SIZE = StripSize(128, 416, 3)
CAMERA = "241.5,0.,208.25,0.,245.25,62.5,0.,0.,1."


@pytest.fixture
def folder(strips, tmp_path):
    """A folder of strips that a test may change."""
    return shutil.copytree(strips / "train", tmp_path / "train")


def fault(folder, size=SIZE):
    """The line with which the list of a folder is refused."""
    with pytest.raises(InputError) as caught:
        find_strips(folder / "train.txt", size)
    return str(caught.value)


def test_the_strips_of_a_list(strips):
    found = find_strips(strips / "train" / "train.txt", SIZE)
    assert (len(found.paths), found.cameras.shape) == (18, (18, 3, 3))
    for path, K in zip(found.paths, found.cameras):
        numbers = np.loadtxt(path.replace(".jpg", "_cam.txt"), delimiter=",")
        np.testing.assert_allclose(K, numbers.reshape(3, 3), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"train\.txt is empty; expected lines with 'folder frame'"),
        ("00 000001\n00\n", r"train\.txt line 2: expected 'folder frame', got '00'"),
        ("00 000001\n\n00 000002\n", r"train\.txt line 2: expected 'folder frame', got a blank"),
        ("00 000001 l\n", r"train\.txt line 1: expected 'folder frame', got '00 000001 l'"),
        ("00 000001\n../00 000001\n", r"line 2: '\.\./00 000001' does not lie below \S+train$"),
        ("/00 000001\n", r"line 1: '/00 000001' does not lie below"),
        ("00 000001\0\n", r"line 1: '00 000001\\x00' does not lie below"),
    ],
)
def test_a_malformed_list(folder, text, message):
    (folder / "train.txt").write_text(text)
    assert re.search(message, fault(folder))


def test_missing_files_are_counted_and_the_first_ones_named(folder):
    for number in range(2, 8):
        (folder / "00" / f"{number:06d}.jpg").unlink()
    start = f"6 of 18 strips of {folder}/train.txt cannot be used, first: "
    named = ", ".join(f"{folder}/00/{number:06d}" for number in range(3, 6))
    assert fault(folder) == f"{start}{folder}/00/000002.jpg is missing; also {named}"


def test_a_missing_camera(folder):
    (folder / "01" / "000003_cam.txt").unlink()
    assert fault(folder).endswith(f"first: {folder}/01/000003_cam.txt is missing")


def test_damaged_images_are_found_without_decoding(folder):
    path = folder / "00" / "000002.jpg"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert fault(folder).endswith(f"1 of 18 strips of {folder}/train.txt cannot be used, "
                                  f"first: {path} is truncated")  # fmt: skip
    path.write_bytes(data[:-3000] + bytes(3000))  # a download that stopped in a reserved file
    assert fault(folder).endswith("000002.jpg is truncated")
    for content in (b"", b"<html>not found</html>" * 400):
        path.write_bytes(content)
        assert fault(folder).endswith("000002.jpg is empty, broken or not an image")


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((128, 416, 5), "expected 2080x128 (5 frames of 416x128); it was made with "
                        "--seq_length 3: give that here, or prepare the data anew"),
        ((96, 320, 3), "expected 960x96 (3 frames of 320x96); if it was made with "
                       "--img_height 128 --img_width 416, give that here; else prepare the data "
                       "anew"),
        ((128, 624, 3), "if it was made with --img_height 128 --img_width 416"),
        ((128, 400, 5), "its width does not divide into such frames: prepare the data anew"),
    ],
)  # fmt: skip
def test_strips_of_another_size(folder, size, message):
    line = fault(folder, StripSize(*size))
    assert line.startswith(f"18 of 18 strips of {folder}/train.txt cannot be used, first: ")
    assert f"{folder}/00/000001.jpg is 1248x128, expected " in line
    assert message in line


def test_one_frame_is_no_strip(tmp_path):
    with pytest.raises(InputError, match="does not divide"):
        StripSize(128, 416, 3).check(128, 416, "a.jpg")
    with pytest.raises(InputError, match="does not divide"):
        StripSize(128, 416, 3).check(128, 0, "a.jpg")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"comment": b"of another program" * 100},
        {"comment": b"too long for the first bytes" * 1000},
        {"exif": Image.Exif()},
        {"format": "PNG"},  # under the wrong name
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_size_of_any_image(tmp_path, options, mode):
    path = tmp_path / "a.jpg"
    Image.new(mode, (57, 19)).save(path, **options)
    assert strip_size(str(path)) == (19, 57)


def test_fill_bytes_and_data_after_the_end(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (57, 19)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xff" + data[2:] + bytes(9000))
    assert strip_size(str(path)) == (19, 57)


def test_tables_before_the_size(tmp_path):
    path = tmp_path / "a.jpg"
    Image.new("RGB", (57, 19)).save(path)
    data = path.read_bytes()
    start = data.index(b"\xff\xc4")  # Huffman's tables, by their number a kin of the size
    end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    path.write_bytes(data[:2] + data[start:end] + data[2:])
    assert strip_size(str(path)) == (19, 57)


def test_a_camera_file(tmp_path):
    path = tmp_path / "a_cam.txt"
    for text in (CAMERA, CAMERA + "\n", CAMERA.replace(",", ", ") + "\r\n"):
        path.write_text(text)
        K = read_camera(path)
        assert K.tolist() == [[241.5, 0, 208.25], [0, 245.25, 62.5], [0, 0, 1]]
        assert K.dtype == np.float32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has 0 lines; expected one of nine numbers"),
        (f"{CAMERA}\n{CAMERA}", r"has 2 lines; expected one of nine numbers"),
        (CAMERA[:-3], r"expected 9 numbers, got 8"),
        (CAMERA.replace("241.5", "x"), r"expected 9 finite numbers, got 'x,0"),
        (CAMERA.replace("241.5", "nan"), r"expected 9 finite numbers"),
        (CAMERA.replace("241.5", "-241.5"), r"expected fx,0,cx,0,fy,cy,0,0,1 in pixels"),
        (CAMERA.replace("241.5", "0.58"), r"fx and fy at least 1, got '0\.58,0"),
        (CAMERA.replace("62.5", "1e9"), r"expected fx,0,cx,0,fy,cy,0,0,1"),
        ("241.5,0,0,0,245.25,0,208.25,62.5,1", r"expected fx,0,cx,0,fy,cy,0,0,1"),
        (CAMERA.replace(",0.,208", ",3.,208"), r"expected fx,0,cx,0,fy,cy,0,0,1"),
    ],
)
def test_a_damaged_camera_file(folder, text, message):
    path = folder / "00" / "000004_cam.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_camera(path)
    assert re.search(rf"first: {path}:? .*{message}|first: {path} {message}", fault(folder))
