"""The drives that no network may train on."""

import zlib

import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation.scenes import drives_of_test_set, listed_drives


@pytest.mark.parametrize(
    ("split", "count", "checksum"), [("eigen", 28, 3949592928), ("stereo", 29, 1820108825)]
)
def test_the_drives_are_those_of_the_originals_lists(split, count, checksum):
    drives = sorted(drives_of_test_set(split))
    assert len(drives) == count
    scenes = [name.removesuffix("_sync") for name in drives]
    assert zlib.crc32("\n".join(scenes).encode()) == checksum


def test_the_two_sets_differ():
    eigen, stereo = map(drives_of_test_set, ("eigen", "stereo"))
    assert "2011_09_26_drive_0002_sync" in eigen - stereo
    assert "2011_09_29_drive_0004_sync" in stereo - eigen
    assert "2011_09_28_drive_0002_sync" in eigen & stereo


def test_drives_of_a_list(tmp_path):
    path = tmp_path / "test_scenes.txt"
    path.write_text("2011_09_26_drive_0117\n\n 2011_10_03_drive_0047_sync \n")
    expected = {"2011_09_26_drive_0117_sync", "2011_10_03_drive_0047_sync"}
    assert listed_drives(path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2011_09_26_drive_0117\n2011_09_26\n", "line 2: expected a drive such as .*'2011_09_26'"),
        ("2011_09_26/2011_09_26_drive_0117_sync\n", "line 1: expected a drive"),
        ("2011_09_26_drive_01171\n", "line 1: expected a drive"),
        ("\n", "names no drive; expected one on each line"),
    ],
)
def test_lists_of_something_else_are_refused(tmp_path, text, message):
    path = tmp_path / "test_scenes.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=f"test_scenes.txt {message}"):
        listed_drives(path)
