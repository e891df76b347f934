"""KITTI's raw drives on disk: images, calibration, laser scans, oxts, timestamps, lists."""

from datetime import datetime

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from tests.synthetic.__main__ import main
from tests.synthetic.drives import drive
from tests.synthetic.motion import flow_between, warp_back
from tests.synthetic.reading_kitti import (
    FIRST,
    FRAMES,
    LASER,
    SECOND,
    SMALL,
    files_below,
    read,
    read_keys,
    seen,
    transform,
)
from tests.synthetic.test_scanner import depth_fits


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    out = tmp_path_factory.mktemp("kitti") / "raw"
    more = ["--drives", "1", "--test", "1", "--laser", str(LASER), "--seed", "5"]
    main(["kitti_drives", str(out), *SMALL, *more])
    return out


def test_the_raw_tree(raw):
    names = files_below(raw / FIRST[:10])
    stems = [f"{number:010d}" for number in range(FRAMES)]
    expected = {f"calib_{name}.txt" for name in ("cam_to_cam", "velo_to_cam", "imu_to_velo")}
    for folder, end in (
        ("image_02", "png"),
        ("image_03", "png"),
        ("velodyne_points", "bin"),
        ("oxts", "txt"),
    ):
        expected |= {f"{FIRST}/{folder}/data/{stem}.{end}" for stem in stems}
        expected.add(f"{FIRST}/{folder}/timestamps.txt")
    expected |= {f"{FIRST}/velodyne_points/timestamps_{end}.txt" for end in ("start", "end")}
    expected.add(f"{FIRST}/oxts/dataformat.txt")
    assert set(names) == expected
    assert (raw / SECOND[:10] / SECOND / "image_02").is_dir()


@pytest.mark.parametrize(("drive_name", "index"), [(FIRST, 0), (SECOND, 1)])
def test_raw_images_and_their_sizes(raw, drive_name, index):
    date = drive_name[:10]
    keys = read_keys(raw / date / "calib_cam_to_cam.txt")
    for camera in (2, 3):
        image = read(raw / date / drive_name / f"image_0{camera}/data/0000000004.png")
        np.testing.assert_array_equal(image, seen((5, 30, index), camera, 4, date)[1].rgb)
        assert image.shape[1::-1] == tuple(keys[f"S_rect_0{camera}"])
    assert {FIRST: (75, 248), SECOND: (74, 245)}[drive_name] == image.shape[:2]


def test_the_calibration_files_have_the_real_ones_keys(raw):
    cameras = read_keys(raw / FIRST[:10] / "calib_cam_to_cam.txt")
    sizes = {"S": 2, "K": 9, "D": 5, "R": 9, "T": 3, "S_rect": 2, "R_rect": 9, "P_rect": 12}
    expected = {f"{name}_0{i}": size for i in range(4) for name, size in sizes.items()}
    assert {key: len(cameras[key]) for key in expected} == expected
    assert set(cameras) - set(expected) == {"calib_time", "corner_dist"}
    assert cameras["calib_time"] == "26-Sep-2011 13:45:00"
    scanner = read_keys(raw / FIRST[:10] / "calib_velo_to_cam.txt")
    assert list(scanner) == ["calib_time", "R", "T", "delta_f", "delta_c"]
    imu = read_keys(raw / FIRST[:10] / "calib_imu_to_velo.txt")
    assert list(imu) == ["calib_time", "R", "T"]


def rect_from_scanner(folder):
    R_rect = np.eye(4)
    R_rect[:3, :3] = read_keys(folder / "calib_cam_to_cam.txt")["R_rect_00"].reshape(3, 3)
    return R_rect @ transform(read_keys(folder / "calib_velo_to_cam.txt"))


@pytest.mark.parametrize("camera", [2, 3])
def test_the_cloud_on_disk_projected_by_the_files_on_disk_gives_the_true_depth(raw, camera):
    folder = raw / FIRST[:10]
    cloud = np.fromfile(folder / FIRST / "velodyne_points/data/0000000006.bin", "<f4")
    cloud = cloud.reshape(-1, 4)
    P = read_keys(folder / "calib_cam_to_cam.txt")[f"P_rect_0{camera}"].reshape(3, 4)
    x, y, z = P @ rect_from_scanner(folder) @ np.column_stack([cloud[:, :3], np.ones(len(cloud))]).T
    depth = seen((5, 30, 0), camera, 6, FIRST[:10])[1].depth
    height, width = depth.shape
    inside = (z > 0) & (x > 0) & (y > 0) & (x < (width - 1) * z) & (y < (height - 1) * z)
    assert inside.sum() > 500
    assert depth_fits(depth, *((a / z)[inside] for a in (x, y)), z[inside]) > 0.9
    assert (cloud[:, 0] < 0).any()  # there are points behind the car


def test_disparity_is_focal_length_times_baseline_by_depth(raw):
    keys = read_keys(raw / FIRST[:10] / "calib_cam_to_cam.txt")
    left, right = (keys[f"P_rect_0{camera}"].reshape(3, 4) for camera in (2, 3))
    assert 0.5 < (left[0, 3] - right[0, 3]) / left[0, 0] < 0.56
    pair = seen((5, 30, 0), 2, 4, FIRST[:10]), seen((5, 30, 0), 3, 4, FIRST[:10])
    flow, valid, visible = flow_between(*pair[0], *pair[1])
    expected = (left[0, 3] - right[0, 3]) / pair[0][1].depth[valid]
    np.testing.assert_allclose(-flow[..., 0][valid], expected, rtol=1e-4)
    np.testing.assert_allclose(flow[..., 1][valid], 0, atol=2e-3)
    there = read(raw / FIRST[:10] / FIRST / "image_03/data/0000000004.png").astype(np.float32)
    here = read(raw / FIRST[:10] / FIRST / "image_02/data/0000000004.png").astype(np.float32)
    warped = np.abs(here - warp_back(there, flow))[visible].mean()
    assert warped < 6 and warped < 0.5 * np.abs(here - there)[visible].mean()


def oxts_poses(folder):
    """World from IMU (n, 4, 4), in the way of KITTI's development kit."""
    rows = np.stack([np.loadtxt(path) for path in sorted((folder / "oxts/data").iterdir())])
    assert rows.shape == (FRAMES, 30)
    lat, lon, alt, roll, pitch, yaw = rows[:, :6].T
    scale, radius = np.cos(np.radians(lat[0])), 6378137
    east = scale * np.radians(lon) * radius
    north = scale * radius * np.log(np.tan(np.radians(90 + lat) / 2))
    poses = np.tile(np.eye(4), (len(rows), 1, 1))
    poses[:, :3, :3] = Rotation.from_euler("ZYX", np.stack([yaw, pitch, roll], 1)).as_matrix()
    poses[:, :3, 3] = np.stack([east, north, alt], 1)
    return rows, np.linalg.inv(poses[0]) @ poses


def test_oxts_and_calibration_give_the_camera_s_way(raw):
    rows, poses = oxts_poses(raw / FIRST[:10] / FIRST)
    to_imu = transform(read_keys(raw / FIRST[:10] / "calib_imu_to_velo.txt"))
    rect_from_imu = rect_from_scanner(raw / FIRST[:10]) @ to_imu
    by_gps = rect_from_imu @ poses @ np.linalg.inv(rect_from_imu)
    _, ego = drive((5, 30, 0))
    true = np.stack([ego.pose(frame) for frame in range(FRAMES)])
    true = np.linalg.inv(true[0]) @ true
    np.testing.assert_allclose(by_gps[:, :3, 3], true[:, :3, 3], atol=2e-3)
    np.testing.assert_allclose(by_gps[:, :3, :3], true[:, :3, :3], atol=1e-5)
    # Forward speed, metres per second, and the turn to the left, radians per second.
    steps = np.linalg.norm(true[2:, :3, 3] - true[:-2, :3, 3], axis=1) / (2 * 0.1036)
    np.testing.assert_allclose(rows[1:-1, 8], steps, rtol=0.05, atol=0.05)
    np.testing.assert_allclose(np.hypot(rows[:, 6], rows[:, 7]), rows[:, 8], rtol=0.02, atol=0.05)
    yaw = np.arctan2(poses[:, 1, 0], poses[:, 0, 0])
    np.testing.assert_allclose(rows[1:-1, 19], (yaw[2:] - yaw[:-2]) / (2 * 0.1036), atol=5e-3)
    assert 9.5 < rows[:, 13].mean() < 10.1  # the accelerometer feels gravity


def test_a_car_at_another_speed(tmp_path):
    small = ["--test", "1", "--frames", "3", "--height", "16", "--speed", "150", "--workers", "1"]
    main(["kitti_drives", str(tmp_path / "raw"), "--drives", "1", "--laser", "0", *small])
    _, usual = drive((0, 30, 0))
    folder = tmp_path / "raw" / FIRST[:10] / FIRST / "oxts/data"
    forward = np.loadtxt(folder / "0000000001.txt")[8]
    assert forward == pytest.approx(
        1.5 * np.diff(usual.along[[0, 2]]).item() / (2 * 0.1036), rel=0.05
    )
    main(["kitti_odom", str(tmp_path / "odom"), "--sequences", "1", *small])
    poses = np.loadtxt(tmp_path / "odom/poses/09.txt").reshape(-1, 3, 4)
    _, usual = drive((0, 32, 9))
    way = np.linalg.norm(np.diff(poses[:, :, 3], axis=0), axis=1)
    np.testing.assert_allclose(way, 1.5 * np.diff(usual.along[:3]), rtol=0.02)


def test_timestamps(raw):
    folder = raw / FIRST[:10] / FIRST
    times = {}
    for name in ("image_02/", "image_03/", "oxts/", "velodyne_points/"):
        lines = (folder / f"{name}timestamps.txt").read_text().splitlines()
        assert len(lines) == FRAMES and all(len(line) == 29 for line in lines)
        times[name] = [datetime.strptime(line[:-3], "%Y-%m-%d %H:%M:%S.%f") for line in lines]
    steps = np.diff([moment.timestamp() for moment in times["image_02/"]])
    np.testing.assert_allclose(steps, 0.1036, atol=1e-5)
    assert f"{times['oxts/'][0]:%Y_%m_%d}" == FIRST[:10]
    begin, end = (
        (folder / f"velodyne_points/timestamps_{name}.txt").read_text() for name in ("start", "end")
    )
    assert begin < (folder / "velodyne_points/timestamps.txt").read_text() < end
    assert len((folder / "oxts/dataformat.txt").read_text().splitlines()) == 30


def test_the_lists(raw):
    splits = {
        name: [
            line.split(" ")
            for line in (raw / f"splits/synthetic/{name}_files.txt").read_text().splitlines()
        ]
        for name in ("train", "val", "test")
    }
    folder = f"{FIRST[:10]}/{FIRST}"
    still = {
        int(line.split(" ")[2])
        for line in (raw / "lists/static_frames.txt").read_text().splitlines()
        if line.split(" ")[:2] == [FIRST[:10], FIRST]
    }
    both = splits["train"] + splits["val"]
    expected = {(folder, n, s) for n in range(1, FRAMES - 1) if n not in still for s in "lr"}
    assert {(f, int(n), s) for f, n, s in both} == expected and len(both) == len(expected)
    assert len(splits["val"]) == -(-len(both) // 10) and both != sorted(both)
    assert splits["test"] == [[f"{SECOND[:10]}/{SECOND}", f"{n:010d}", "l"] for n in range(FRAMES)]
    scenes = (raw / "lists/test_scenes_eigen.txt").read_text()
    assert scenes == SECOND[: -len("_sync")] + "\n"
    for line in (raw / "lists/test_files_eigen.txt").read_text().splitlines():
        assert (raw / line).is_file()
    # The static frames are those whose image equals a neighbour's, moving cars aside.
    _, ego = drive((5, 30, 0))
    moved = [np.abs(ego.pose(n + 1) - ego.pose(n)).max() > 0 for n in range(FRAMES)]
    assert still == {n for n in range(FRAMES) if not moved[n] or (n and not moved[n - 1])}
    assert 1 < len(still) < FRAMES - 2


def test_jpg_images_and_no_laser(tmp_path, raw):
    more = ["--drives", "1", "--test", "0", "--laser", "0", "--images", "jpg", "--seed", "5"]
    main(["kitti_drives", str(tmp_path / "x"), *SMALL, *more])
    names = files_below(tmp_path / "x")
    assert not any("velodyne" in name and name.endswith(".bin") for name in names)
    (jpg,) = (tmp_path / "x").rglob("image_02/data/0000000004.jpg")
    assert jpg.read_bytes()[:2] == b"\xff\xd8"
    png = read(raw / FIRST[:10] / FIRST / "image_02/data/0000000004.png")
    assert np.abs(read(jpg).astype(int) - png).mean() < 4
    assert (tmp_path / "x/lists/test_scenes_eigen.txt").read_text() == ""


def test_annotated_depth(tmp_path, raw):
    more = ["--drives", "1", "--test", "0", "--laser", "0", "--annotated", "1", "--seed", "5"]
    main(["kitti_drives", str(tmp_path / "x"), *SMALL, *more])
    drive_folder = tmp_path / "x" / FIRST[:10] / FIRST
    for camera in (2, 3):
        folder = drive_folder / f"proj_depth/groundtruth/image_0{camera}"
        # The first and the last five frames have none.
        assert files_below(folder) == [f"{n:010d}.png" for n in range(5, FRAMES - 5)]
        stored = read(folder / "0000000006.png")
        depth = seen((5, 30, 0), camera, 6, FIRST[:10])[1].depth
        known = stored > 0
        assert stored.dtype == np.uint16 and 0.05 < known.mean() < 0.25
        np.testing.assert_array_equal(stored[known], np.rint(depth[known].astype(float) * 256))
    for path in files_below(drive_folder):
        if "proj_depth" not in path and "velodyne" not in path:
            assert (drive_folder / path).read_bytes() == (
                raw / FIRST[:10] / FIRST / path
            ).read_bytes()
