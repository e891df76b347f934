"""Eigen's test set by rule, or by the user's list."""

import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils.eigen import (
    benchmark_places,
    eigen_frames,
    eigen_test_frames,
    own_list,
)
from monodepth2.src.sfm_utils.lists import Frame

DRIVE = "2011_09_26/2011_09_26_drive_0002_sync"


def write(folder, split, text):
    (folder / split).mkdir()
    (folder / split / "test_files.txt").write_text(text)


def test_the_frames_of_a_drive_by_rule():
    numbers = [frame.index for frame in eigen_test_frames() if "drive_0106" in frame.folder]
    assert numbers[:3] == [15, 35, 43]
    assert (numbers[-1], len(numbers)) == (219, 25)


def test_the_benchmark_lacks_the_first_and_last_frames_of_a_drive():
    every, some = (set(eigen_test_frames(split)) for split in ("eigen", "eigen_benchmark"))
    lacking = sorted(frame.index for frame in every - some if frame.folder == DRIVE)
    assert lacking == [0, 3, 72, 75]  # of 77 frames
    assert some < every


def test_without_a_list_the_frames_are_sorted(tmp_path):
    assert own_list(tmp_path, "eigen") is None
    frames = eigen_frames(tmp_path, "eigen")
    assert frames == sorted(frames, key=lambda frame: (frame.folder, frame.index))
    assert len(frames) == 697


def test_the_users_list_and_its_order_come_first(tmp_path):
    write(tmp_path, "eigen", f"{DRIVE} 0000000069 l\n{DRIVE} 0000000054 l\n")
    assert eigen_frames(tmp_path, "eigen") == [Frame(DRIVE, 69, "l"), Frame(DRIVE, 54, "l")]
    assert own_list(tmp_path, "eigen") == tmp_path / "eigen" / "test_files.txt"


def test_a_list_of_odometry_is_refused(tmp_path):
    write(tmp_path, "eigen", "9 0 l\n9 1 l\n")
    with pytest.raises(InputError, match="is a list of odometry; eigen needs date/drive"):
        eigen_frames(tmp_path, "eigen")


def test_the_places_of_the_benchmark_in_the_list_of_eigen(tmp_path):
    places = benchmark_places(tmp_path)
    frames = eigen_frames(tmp_path, "eigen")
    assert [frames[place] for place in places] == eigen_test_frames("eigen_benchmark")
    write(tmp_path, "eigen", f"{DRIVE} 69 l\n{DRIVE} 0 l\n{DRIVE} 54 l\n")
    write(tmp_path, "eigen_benchmark", f"{DRIVE} 69 l\n{DRIVE} 54 l\n")
    assert benchmark_places(tmp_path) == [0, 2]


def test_a_frame_of_the_benchmark_that_eigen_lacks_is_named(tmp_path):
    write(tmp_path, "eigen", f"{DRIVE} 69 l\n")
    write(tmp_path, "eigen_benchmark", f"{DRIVE} 54 l\n")
    with pytest.raises(InputError, match=f"{DRIVE} 54 of eigen_benchmark is not in the list"):
        benchmark_places(tmp_path)
