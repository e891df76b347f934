"""Depth maps of laser scans equal the originals' arrays, quirks included."""

import json

import numpy as np
import pytest

from monodepth2.src.sfm_utils.calibration import read_raw_calibration
from monodepth2.src.sfm_utils.kitti import KittiRaw
from monodepth2.src.sfm_utils.lists import read_image_list
from monodepth2.src.sfm_utils.velodyne import project_velodyne, velodyne_depth_map
from tests.golden_files import golden_dir

MONODEPTH2, GEONET = golden_dir("monodepth2"), golden_dir("geonet")
DAY = MONODEPTH2 / "kitti_mini" / "2011_09_26"
SCAN = DAY / "2011_09_26_drive_0001_sync" / "velodyne_points" / "data" / "0000000001.bin"


@pytest.mark.parametrize(
    "name, camera, depth",
    [
        ("cam2_camz", 2, "camera_z"),
        ("cam2_velx", 2, "velodyne_x"),
        ("cam3_camz", 3, "camera_z"),
        ("cam3_velx", 3, "velodyne_x"),
    ],
)
def test_monodepth2_depth_map(name, camera, depth):
    with np.load(MONODEPTH2 / "kitti_depth_map.npz") as golden:
        shape, index, value = (golden[f"{name}_{part}"] for part in ("shape", "index", "value"))
        assert len(golden.files) == 12
    got = velodyne_depth_map(read_raw_calibration(DAY), SCAN, camera, depth)
    assert got.shape == tuple(shape)
    np.testing.assert_array_equal(np.flatnonzero(got), index)
    np.testing.assert_array_equal(got.ravel()[index], value)


def write_geonet_day(folder):
    """The calibration texts of GeoNet's goldens as files; the images' size."""
    expected = json.loads((GEONET / "kitti_eval.json").read_text())["depth_eigen"]
    (folder / "calib_cam_to_cam.txt").write_text(expected["cam2cam_txt"])
    (folder / "calib_velo_to_cam.txt").write_text(expected["velo2cam_txt"])
    return tuple(expected["image_size_hw"])


def test_geonet_depth_map(tmp_path):
    size = write_geonet_day(tmp_path)
    calibration = read_raw_calibration(tmp_path)
    compared = 0
    with np.load(GEONET / "kitti_eval.npz") as golden:
        for index, expected in enumerate(golden["depth_gt"]):
            got = project_velodyne(
                golden[f"depth_velo{index}"],
                calibration.image_from_velodyne(2),
                size,
                "velodyne_x",
            )
            np.testing.assert_array_equal(got.astype(np.float32), expected)
            compared += 1
    assert compared == 2


def test_geonet_list(tmp_path):
    expected = json.loads((GEONET / "kitti_eval.json").read_text())["depth_eigen"]["test_files"]
    (tmp_path / "test_files_eigen.txt").write_text("\n".join(expected) + "\n")
    frames = read_image_list(tmp_path / "test_files_eigen.txt")
    tree = KittiRaw(tmp_path, ".png")
    assert [str(tree.image(frame).relative_to(tmp_path)) for frame in frames] == expected
    assert len(frames) == len(np.load(GEONET / "kitti_eval.npz")["depth_gt"])
