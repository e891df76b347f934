"""gt_depths.npz: written as the original writes it, read without running what it holds."""

import os
import zipfile

import cv2
import numpy as np
import pytest

from monodepth2.src.datasets.gt_depths import ground_truth, read_gt_depths, write_gt_depths
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils.calibration import read_raw_calibration
from monodepth2.src.sfm_utils.lists import Frame
from monodepth2.src.sfm_utils.velodyne import velodyne_depth_map

DRIVE = "2011_09_26/2011_09_26_drive_0001_sync"
MAPS = [np.float32([[0, 1, 2]]), np.float32([[3, 0], [0, 4]])]


class Call:
    """Pickles as a call of os.system."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_what_is_written_is_read_here_and_by_numpy(tmp_path):
    path = tmp_path / "splits" / "gt_depths.npz"
    write_gt_depths(path, MAPS)
    # The original's way: allow_pickle was the default of its numpy.
    with np.load(path, fix_imports=True, encoding="latin1", allow_pickle=True) as found:
        theirs = found["data"]
    for found in (read_gt_depths(path), theirs):
        assert len(found) == 2
        for one, expected in zip(found, MAPS):
            np.testing.assert_array_equal(one, expected)
            assert one.dtype == np.float32


def test_maps_of_one_size_stay_apart(tmp_path):
    write_gt_depths(tmp_path / "a.npz", MAPS[:1] * 3)
    assert [depth.shape for depth in read_gt_depths(tmp_path / "a.npz")] == [(1, 3)] * 3
    # The original's numpy makes one array of numbers of them.
    np.savez_compressed(tmp_path / "b.npz", data=np.stack(MAPS[:1] * 3))
    np.testing.assert_array_equal(read_gt_depths(tmp_path / "b.npz"), MAPS[:1] * 3)


def test_what_could_run_is_refused_and_does_not_run(tmp_path):
    data = np.empty(1, object)
    data[0] = Call(f"touch {tmp_path / 'ran'}")
    np.savez_compressed(tmp_path / "a.npz", data=data)
    with pytest.raises(InputError, match="objects other than arrays of numbers: 'posix.system'"):
        read_gt_depths(tmp_path / "a.npz")
    assert not (tmp_path / "ran").exists()


def saved(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def objects(*values):
    found = np.empty(len(values), object)
    for place, value in enumerate(values):
        found[place] = value
    return found


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        ({"depths": objects(*MAPS)}, "has no array `data`"),
        ({"data": objects("text")}, "entry 0 is no depth map"),
        ({"data": objects(MAPS[0], np.ones(3, np.float32))}, "entry 1 is no depth map"),
        ({"data": objects(np.ones((2, 2), np.int64))}, "entry 0 is no depth map"),
        ({"data": objects(np.float32([[1, np.nan]]))}, "entry 0 is not finite"),
        ({"data": np.ones((2, 2))}, "is damaged"),
    ],
)
def test_other_contents_are_refused(tmp_path, arrays, text):
    with pytest.raises(InputError, match=text):
        read_gt_depths(saved(tmp_path / "a.npz", **arrays))


def test_a_missing_or_cut_file_is_named(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(InputError, match=r"a\.npz is missing; write it with export_gt_depth\.py"):
        read_gt_depths(path)
    write_gt_depths(path, MAPS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"a\.npz is damaged"):
        read_gt_depths(path)


def test_a_size_that_cannot_be_is_refused(tmp_path):
    path = saved(tmp_path / "a.npz", data=np.ones((2, 3, 4)))
    with zipfile.ZipFile(path) as archive:
        data = archive.read("data.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", data.replace(b"(2, 3, 4)", b"(2,9**,4)").replace(b"**", b"99"))
    with pytest.raises(InputError, match="is damaged"):
        read_gt_depths(path)


def test_eigen_takes_the_laser_of_the_left_camera_along_its_own_axis(kitti):
    (found,) = ground_truth(kitti, [Frame(DRIVE, 5, "l")], "eigen")
    day = read_raw_calibration(kitti / "2011_09_26")
    scan = kitti / DRIVE / "velodyne_points" / "data" / "0000000005.bin"
    np.testing.assert_array_equal(found, np.float32(velodyne_depth_map(day, scan, 2, "velodyne_x")))
    assert found.dtype == np.float32


def test_eigen_benchmark_takes_the_improved_maps(kitti):
    (found,) = ground_truth(kitti, [Frame(DRIVE, 5, "l")], "eigen_benchmark")
    folder = kitti / DRIVE / "proj_depth" / "groundtruth" / "image_02"
    expected = cv2.imread(str(folder / "0000000005.png"), cv2.IMREAD_UNCHANGED) / 256
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("frame", "split", "archive"),
    [
        (Frame(DRIVE, 99, "l"), "eigen", "2011_09_26_drive_0001_sync.zip"),
        (Frame(DRIVE.replace("26", "30"), 5, "l"), "eigen", "2011_09_30_calib.zip"),
        (Frame(DRIVE, 0, "l"), "eigen_benchmark", "data_depth_annotated.zip"),
    ],
)
def test_the_missing_archive_is_named(kitti, frame, split, archive):
    with pytest.raises(InputError, match=f"is missing; unpack KITTI's {archive} there"):
        list(ground_truth(kitti, [frame], split))
