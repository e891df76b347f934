"""Lists of frames: both originals' formats, and lines that cannot be."""

import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import lists
from monodepth2.src.sfm_utils.lists import Frame
from monodepth2.src.sfm_utils.text_files import parse_numbers, read_numbers

DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"


def written(tmp_path, text):
    path = tmp_path / "list.txt"
    path.write_text(text)
    return path


def test_a_split_has_a_frame_for_each_line(tmp_path):
    path = written(tmp_path, f"{DRIVE} 5 l\n{DRIVE} 0000000069 r\r\n9 0 l\n")
    expected = [Frame(DRIVE, 5, "l"), Frame(DRIVE, 69, "r"), Frame("9", 0, "l")]
    assert lists.read_split(path) == expected


def test_the_benchmarks_list_has_no_sides(tmp_path):
    frames = lists.read_split(written(tmp_path, "image 0\nimage 1"))
    assert frames == [Frame("image", 0, "l"), Frame("image", 1, "l")]


def test_the_frames_around_a_frame():
    frame = Frame(DRIVE, 5, "l")
    assert (frame.camera, frame.other.camera) == (2, 3)
    assert frame.other.other == frame
    assert frame.shifted(-1) == Frame(DRIVE, 4, "l")


@pytest.mark.parametrize(
    "line, what",
    [
        ("", "expected 'folder frame side', got a blank line"),
        ("   ", "got a blank line"),
        (f"{DRIVE} 5", "expected 'folder frame side'"),
        (f"{DRIVE} 5 l x", "expected 'folder frame side'"),
        (f"{DRIVE} 5 m", "side 'm'; expected l or r"),
        (f"{DRIVE} five l", "frame 'five'; expected a whole number"),
        (f"{DRIVE} -5 l", "frame '-5'; expected a whole number"),
        (f"{DRIVE} ٥ l", "expected a whole number"),
        (f"{DRIVE} 12345678901 l", "expected a whole number"),
        ("../elsewhere 5 l", "no folder below the data set's root"),
        ("/elsewhere 5 l", "no folder below the data set's root"),
    ],
)
def test_a_bad_line_of_a_split_is_named(tmp_path, line, what):
    path = written(tmp_path, f"{DRIVE} 1 l\n{line}\n{DRIVE} 2 l\n")
    with pytest.raises(InputError) as error:
        lists.read_split(path)
    assert str(error.value).startswith(f"{path} line 2: ") and what in str(error.value)


def test_empty_lines_at_the_end_are_no_mistake(tmp_path):
    assert len(lists.read_split(written(tmp_path, f"{DRIVE} 1 l\n\n \n"))) == 1


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_list(tmp_path, text):
    with pytest.raises(InputError, match="is empty; expected lines with 'folder frame side'"):
        lists.read_split(written(tmp_path, text))


def test_geonets_list_of_images(tmp_path):
    path = written(tmp_path, f"{DRIVE}/image_02/data/0000000069.png\n{DRIVE}/image_03/data/7.jpg\n")
    assert lists.read_image_list(path) == [Frame(DRIVE, 69, "l"), Frame(DRIVE, 7, "r")]


@pytest.mark.parametrize(
    "line, what",
    [
        ("", "expected one path, got a blank line"),
        ("training/image_2/000000_10.png", "expected date/drive/image_02/data/0000000000.png"),
        ("../x/image_02/data/1.png", "no folder below the data set's root"),
        (f"{DRIVE}/image_02/data/1.png x", "expected one path"),
        (f"{DRIVE}/image_04/data/1.png", "expected date/drive"),
    ],
)
def test_a_bad_line_of_geonets_list_is_named(tmp_path, line, what):
    path = written(tmp_path, f"{DRIVE}/image_02/data/1.png\n{line}\n{DRIVE}/image_02/data/2.png")
    with pytest.raises(InputError) as error:
        lists.read_image_list(path)
    assert str(error.value).startswith(f"{path} line 2: ") and what in str(error.value)


def test_static_frames_may_have_empty_lines(tmp_path):
    path = written(tmp_path, "2011_09_26 drive_9 0000000386\n\n2011_09_26 drive_9 0000000387\n")
    assert lists.read_static_frames(path) == {("drive_9", 386), ("drive_9", 387)}


@pytest.mark.parametrize("line", ["2011_09_26 drive_9", "2011_09_26 drive_9 x"])
def test_a_bad_static_frame_is_named(tmp_path, line):
    path = written(tmp_path, f"2011_09_26 drive_9 1\n{line}\n")
    with pytest.raises(InputError, match="line 2: "):
        lists.read_static_frames(path)


def test_a_missing_list_and_one_that_is_no_text(tmp_path):
    with pytest.raises(InputError, match="none.txt is missing"):
        lists.read_split(tmp_path / "none.txt")
    (tmp_path / "list.txt").write_bytes(b"\xff\xfe1 2 l\n")
    with pytest.raises(InputError, match="list.txt is damaged: not UTF-8 text"):
        lists.read_split(tmp_path / "list.txt")


def test_numbers_have_a_limit(tmp_path):
    assert parse_numbers("1,2.5", 2, "x", ",").tolist() == [1, 2.5]
    assert parse_numbers("-1e18", 1, "x").tolist() == [-1e18]
    for word in ("1e19", "-1e19", "inf", "nan", "x", "0x1"):
        with pytest.raises(
            InputError, match=f"x line 1: expected 2 finite numbers, got '1 {word}'"
        ):
            parse_numbers(f"1 {word}", 2, "x line 1")
    path = tmp_path / "numbers.txt"
    path.write_text("1 2\n3 4\n\n")
    assert read_numbers(path, 2).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(InputError, match="numbers.txt line 1: expected 3 numbers, got 2: '1 2'"):
        read_numbers(path, 3)


def test_a_file_that_cannot_be_read(tmp_path, monkeypatch):
    path = written(tmp_path, f"{DRIVE} 1 l\n")

    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_text", refuse)
    with pytest.raises(InputError, match="list.txt: Permission denied"):
        lists.read_split(path)


def test_a_file_that_is_much_too_large(tmp_path):
    path = tmp_path / "list.txt"
    with path.open("wb") as file:
        file.truncate((1 << 26) + 1)
    with pytest.raises(InputError, match="list.txt has more than 64 MiB: not a text file of this"):
        lists.read_split(path)
