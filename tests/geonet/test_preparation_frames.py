"""Frames that follow each other: numbers of images, gaps, and the windows over them."""

import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation.frames import missing_inside, names_in, numbered_images, windows


def test_the_images_of_a_folder_by_number(tmp_path):
    names = ("10.png", "9.jpg", "0000000002.png", "2.jpg", "notes.txt", "a.png", "3.JPG", "²3.png")
    for name in names:
        (tmp_path / name).touch()
    found = numbered_images(tmp_path)
    assert list(found) == [2, 3, 9, 10]  # by value, not by name
    assert [path.name for path in found.values()] == ["0000000002.png", "3.JPG", "9.jpg", "10.png"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    (tmp_path / "file").touch()
    assert numbered_images(tmp_path / "none") == {}
    assert names_in(tmp_path / "file") == []
    with pytest.raises(InputError, match="File name too long; check the path"):
        names_in(tmp_path / ("a" * 300))


@pytest.mark.parametrize(
    ("length", "step", "expected"),
    [
        (3, 1, [(0, 1, 2), (1, 2, 3), (5, 6, 7), (6, 7, 8), (7, 8, 9)]),
        (5, 1, [(5, 6, 7, 8, 9)]),
        (7, 1, []),
        (3, 2, [(1, 3, 5), (3, 5, 7), (5, 7, 9)]),  # step 2 over the gap at 4
    ],
)
def test_no_window_lacks_a_frame(length, step, expected):
    assert windows([9, 8, 7, 6, 5, 3, 2, 1, 0], length, step) == expected


def test_what_is_missing_inside_a_drive():
    assert missing_inside([]) == (0, None)
    assert missing_inside([7, 5, 6]) == (0, None)
    assert missing_inside([9, 3, 4, 6]) == (3, 5)
    assert missing_inside([0, 10**15]) == (10**15 - 1, 1)  # a stray name takes no time
