"""The drives that no network may train on."""

import zlib

import pytest

from geonet.src.preparation.scenes import drives_of_test_set


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
