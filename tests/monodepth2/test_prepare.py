"""The programs that prepare data: lists from what is on disk, ground truth for the evaluation."""

import shutil

import numpy as np
import pytest

from monodepth2.prepare import make_splits
from monodepth2.src.datasets.gt_depths import read_gt_depths
from monodepth2.src.datasets.kitti import open_frames
from monodepth2.src.sfm_utils.eigen import eigen_test_frames
from monodepth2.src.sfm_utils.lists import read_split

PROGRAM = "prepare/make_splits.py"


def lines(path):
    return path.read_text().splitlines()


def test_the_test_drives_are_those_of_eigens_frames():
    drives = {frame.folder.split("/")[1] for frame in eigen_test_frames()}
    assert make_splits.test_drives() == drives


def test_lists_of_raw_drives(program, kitti, tmp_path):
    out, _ = program("monodepth2").run(PROGRAM, kitti, "--output", tmp_path / "mine")
    train, val = (lines(tmp_path / "mine" / f"{part}_files.txt") for part in ("train", "val"))
    assert f"{tmp_path}/mine/train_files.txt: {len(train)} lines" in out
    assert "not the original's lists" in out
    assert len(val) == round(0.1 * len(train + val))
    assert len(set(train + val)) == len(train + val)
    # drive 0002 of 2011_09_28 is one of Eigen's
    folders = {line.split()[0] for line in train + val}
    names = {"2011_09_26/2011_09_26_drive_0001_sync", "2011_09_29/2011_09_29_drive_0003_sync"}
    assert folders == names
    assert {line.split()[2] for line in train} == {"l", "r"}
    for part in ("train", "val"):
        path = tmp_path / "mine" / f"{part}_files.txt"
        open_frames(path, dataset="kitti", data_path=kitti, sources=[-1, 1, "s"])


def test_standing_frames_are_left_out(kitti, tmp_path, capsys):
    make_splits.main([str(kitti), "--output", str(tmp_path / "all"), "--min_speed", "0"])
    make_splits.main([str(kitti), "--output", str(tmp_path / "moving")])
    out = capsys.readouterr().out
    left_out = int(out.split(" frames left out: slower than 0.5")[0].split("\n")[-1])
    assert left_out > 0
    counts = [
        sum(len(lines(tmp_path / name / f"{part}_files.txt")) for part in ("train", "val"))
        for name in ("all", "moving")
    ]
    assert counts[0] - counts[1] == left_out


def test_speed_is_that_over_ground(tmp_path):
    """Its parts to the north and to the east are the seventh and the eighth number of a record."""
    (tmp_path / "oxts" / "data").mkdir(parents=True)
    for number, (north, east) in enumerate([(0.3, -0.39), (0.3, 0.41)]):  # 0.492 and 0.508 m/s
        values = [50] * 6 + [north, east] + [50] * 22
        path = tmp_path / "oxts" / "data" / f"{number:010d}.txt"
        path.write_text(" ".join(map(str, values)))
    assert make_splits.moving(tmp_path, [0, 1, 2], 0.5) == {1, 2}  # of 2 there is no record


def test_frames_without_neighbours_or_the_other_image_are_left_out():
    found = make_splits.with_neighbours({0, 1, 2, 3, 5, 6, 7}, {1, 2, 3, 4, 5, 6})
    assert found == {"l": [1, 2, 6], "r": [2, 3, 5]}


def test_a_drive_is_for_training_or_for_validation():
    drives = {name: [f"{name} {n} l" for n in range(5)] for name in "abcdefghij"}
    train, val = make_splits.divide(drives, 0.2, "drive", seed=1)
    assert len(val) == 10
    assert not {line[0] for line in train} & {line[0] for line in val}
    assert make_splits.divide(drives, 0.2, "drive", seed=1) == [train, val]
    assert make_splits.divide(drives, 0.2, "drive", seed=2) != [train, val]


def test_lists_of_odometry(program, odometry, tmp_path):
    options = ["--dataset", "kitti_odom", "--output", tmp_path]
    program("monodepth2").run(PROGRAM, odometry, *options)
    train, val, test = (
        read_split(tmp_path / f"{part}.txt")
        for part in ("train_files", "val_files", "test_files_09")
    )
    assert {frame.folder for frame in train + val} == {"0"}
    assert sorted(frame.index for frame in test) == list(range(7))  # of 8 frames
    assert lines(tmp_path / "test_files_09.txt")[0] == "9 0 l"
    open_frames(
        tmp_path / "train_files.txt", dataset="kitti_odom", data_path=odometry, sources=[-1, 1]
    )


def test_lists_that_are_there_are_kept(program, kitti, tmp_path):
    (tmp_path / "train_files.txt").write_text("the original's\n")
    error = program("monodepth2").refuse(PROGRAM, kitti, "--output", tmp_path)
    assert "train_files.txt exists; add --overwrite" in error
    assert lines(tmp_path / "train_files.txt") == ["the original's"]
    program("monodepth2").run(PROGRAM, kitti, "--output", tmp_path, "--overwrite")
    assert len(lines(tmp_path / "train_files.txt")) > 5


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "too few frames to train and to validate on"),
        (["--val_share", "1"], "--val_share 1.0: expected a part between 0 and 1"),
    ],
)
def test_what_cannot_be_is_answered_in_one_line(tmp_path, capsys, flags, text):
    with pytest.raises(SystemExit) as end:
        make_splits.main([str(tmp_path), "--output", str(tmp_path / "out"), *flags])
    assert end.value.code == 2
    assert text in capsys.readouterr().err


def test_a_damaged_file_of_oxts_is_named(kitti, tmp_path, capsys):
    drive = "2011_09_26/2011_09_26_drive_0001_sync"
    shutil.copytree(kitti / drive, tmp_path / drive)
    path = tmp_path / drive / "oxts" / "data" / "0000000003.txt"
    path.write_text("49.0 8.4")
    with pytest.raises(SystemExit):
        make_splits.main([str(tmp_path), "--output", str(tmp_path / "out")])
    assert f"{path} is damaged" in capsys.readouterr().err


@pytest.fixture
def lists(kitti, tmp_path):
    """A folder of lists of both test sets for the rendered drives."""
    drive = "2011_09_29/2011_09_29_drive_0003_sync"
    for split, numbers in {"eigen": (7, 5, 6), "eigen_benchmark": (5, 6)}.items():
        folder = tmp_path / "my splits" / split
        folder.mkdir(parents=True)
        text = "".join(f"{drive} {number:010d} l\n" for number in numbers)
        (folder / "test_files.txt").write_text(text)
    return folder.parent


@pytest.mark.parametrize(("split", "count"), [("eigen", 3), ("eigen_benchmark", 2)])
def test_ground_truth_is_exported(warm_monodepth2, kitti, lists, split, count):
    options = ["--data_path", kitti, "--split", split, "--split_dir", lists]
    out, _ = warm_monodepth2.run("export_gt_depth.py", *options)
    assert out.splitlines()[:2] == [
        f"Exporting ground truth depths for {split}",
        f"Saving to {split}",
    ]
    maps = read_gt_depths(lists / split / "gt_depths.npz")
    assert len(maps) == count
    assert all(np.count_nonzero(depth) > 50 for depth in maps)


def test_a_missing_archive_ends_the_export_in_one_line(warm_monodepth2, kitti, tmp_path):
    options = ["--data_path", kitti, "--split", "eigen", "--split_dir", tmp_path]
    error = warm_monodepth2.refuse("export_gt_depth.py", *options)
    assert "2011_09_26_drive_0002_sync.zip" in error
    assert not (tmp_path / "eigen").exists()
