"""Lists of KITTI: what is read, what is missing, what belongs to another data set."""

import shutil

import numpy as np
import pytest

from monodepth2.src.datasets import open_samples
from monodepth2.src.datasets.kitti import KittiFrames, archive_of, open_frames
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils.kitti import KittiDepth, KittiRaw
from monodepth2.src.sfm_utils.lists import Frame

DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"
SIZE = {"height": 32, "width": 64}


def write(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture
def drive(kitti, tmp_path):
    """A writable copy of one drive."""
    shutil.copytree(kitti / DRIVE, tmp_path / DRIVE)
    return tmp_path


def opened(kitti, **options):
    wanted = {"dataset": "kitti", "split": "synthetic", "split_dir": kitti / "splits", **SIZE}
    return open_samples(kitti, **{**wanted, "sources": [-1, 1, "s"], **options})


def test_the_samples_of_a_split(kitti, capsys):
    samples = opened(kitti)
    count = len((kitti / "splits" / "synthetic" / "train_files.txt").read_text().splitlines())
    assert capsys.readouterr().out.splitlines() == [
        "Using split:",
        "   synthetic",
        f"There are {count} training items and {len(samples.val)} validation items",
        "",
    ]
    assert len(samples.train) == count
    assert (samples.train.is_train, samples.val.is_train) == (True, False)
    assert "depth_gt" not in samples.val.fields
    sample = samples.monitor.load(0, np.random.default_rng(0))
    assert sample["depth_gt"].shape == (1, 375, 1242)
    assert 3 < np.median(sample["depth_gt"][sample["depth_gt"] > 0]) < 60
    assert samples.metric_scale == 5.4
    assert opened(kitti, sources=[-1, 1]).metric_scale is None


def test_neighbours_and_the_other_camera(kitti):
    frames = KittiFrames(KittiRaw(kitti), [Frame(DRIVE, 5, "l"), Frame(DRIVE, 5, "r")])
    paths = [frames.path(0, frame_id).relative_to(kitti / DRIVE) for frame_id in (-1, 0, 1, "s")]
    assert list(map(str, paths)) == [
        "image_02/data/0000000004.jpg",
        "image_02/data/0000000005.jpg",
        "image_02/data/0000000006.jpg",
        "image_03/data/0000000005.jpg",
    ]
    assert frames.path(1, "s") == frames.path(0, 0)
    assert (frames.is_left(0), frames.is_left(1)) == (True, False)


def test_odometry(odometry, capsys):
    samples = opened(odometry, dataset="kitti_odom", split="odom", sources=[-1, 1])
    assert samples.train.name(0).startswith(f"{odometry}/sequences/00/image_2/")
    assert samples.monitor.fields == samples.val.fields  # no ground truth
    assert f"images of {odometry} end in .png: these are taken" in capsys.readouterr().out


def test_the_ground_truth_of_the_depth_benchmark(kitti):
    frames = KittiFrames(KittiDepth(kitti), [Frame(DRIVE, 5, "l"), Frame(DRIVE, 0, "l")])
    assert frames.has_depth
    assert (frames.depth(0) > 0).mean() > 0.02
    assert not frames.depth(1).any()  # has none


def test_a_frame_without_a_laser_scan_has_no_depth(drive):
    frames = KittiFrames(KittiRaw(drive), [Frame(DRIVE, 5, "l")])
    frames.tree.velodyne(frames.frames[0]).unlink()
    assert not frames.has_depth
    assert not frames.depth(0).any()


@pytest.mark.parametrize(
    ("dataset", "line", "other"),
    [("kitti", "9 5 l", "kitti_odom"), ("kitti_odom", f"{DRIVE} 5 l", "kitti")],
)
def test_a_list_of_another_data_set_is_refused(tmp_path, dataset, line, other):
    path = write(tmp_path / "list.txt", line)
    with pytest.raises(InputError) as error:
        open_frames(path, dataset=dataset, data_path=tmp_path)
    assert f"line 1: {line.split()[0]} is no folder of --dataset {dataset}" in str(error.value)
    assert str(error.value).endswith(f"needs --dataset {other}")


def test_a_missing_split_names_those_that_are_there(kitti, tmp_path):
    with pytest.raises(InputError, match=r"split eigen_zhou is not in .* \(it holds synthetic\)"):
        opened(kitti, split="eigen_zhou")
    with pytest.raises(InputError, match=r"it holds no split.*prepare/make_splits\.py"):
        opened(kitti, split_dir=tmp_path)


def test_a_missing_list_is_named(kitti, tmp_path):
    folder = tmp_path / "synthetic"
    folder.mkdir()
    shutil.copy(kitti / "splits" / "synthetic" / "train_files.txt", folder)
    with pytest.raises(InputError, match=r"val_files\.txt is missing; copy the original's splits"):
        opened(kitti, split_dir=tmp_path)


def test_missing_neighbours_are_named_before_training(drive):
    path = write(drive / "list.txt", f"{DRIVE} 5 l", f"{DRIVE} 11 l", f"{DRIVE} 0 l")
    options = {"dataset": "kitti", "data_path": drive}
    with pytest.raises(InputError) as error:
        open_frames(path, sources=[-1, 1], **options)
    assert "2 of 3 frames" in str(error.value)
    assert "line 2: its neighbour +1, " in str(error.value)
    assert len(open_frames(path, sources=["s"], **options)) == 3


def test_a_missing_image_of_the_other_camera_is_named_before_training(drive):
    path = write(drive / "list.txt", f"{DRIVE} 5 r")
    (drive / DRIVE / "image_02" / "data" / "0000000005.jpg").unlink()
    options = {"dataset": "kitti", "data_path": drive}
    with pytest.raises(InputError, match=r"line 1: the other camera's image, .*5\.jpg, is missing"):
        open_frames(path, sources=["s"], **options)


def test_missing_and_broken_images_are_left_out_on_request(drive, capsys):
    folder = drive / DRIVE / "image_02" / "data"
    (folder / "0000000002.jpg").unlink()
    broken = folder / "0000000008.jpg"
    broken.write_bytes(broken.read_bytes()[:-100])
    path = write(drive / "list.txt", *(f"{DRIVE} {number} l" for number in range(1, 11)))
    frames = open_frames(
        path, dataset="kitti", data_path=drive, sources=[-1, 1, "s"], skip_bad=True
    )
    assert [frame.index for frame in frames.frames] == [4, 5, 6, 10]
    out = capsys.readouterr().out
    assert "left out: 3 of 10 frames" in out
    assert f"bad sample: {broken} is truncated" in out


def test_the_other_ending_is_taken_where_only_that_is_there(kitti, capsys):
    samples = opened(kitti, png=True)
    assert samples.train.name(0).endswith(".jpg")
    assert samples.val.name(0).endswith(".jpg")
    assert capsys.readouterr().out.count("end in .jpg: these are taken") == 1


def test_the_archives_of_kitti():
    frame = Frame(DRIVE, 5, "l")
    assert archive_of(frame, "drive") == "2011_09_26_drive_0001_sync.zip"
    assert archive_of(frame, "calibration") == "2011_09_26_calib.zip"
    assert archive_of(frame, "depth") == "data_depth_annotated.zip"
