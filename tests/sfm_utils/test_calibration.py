"""Calibration files, intrinsics and laser scans: hand values, and files that cannot be."""

import json

import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import calibration, intrinsics
from monodepth2.src.sfm_utils.intrinsics import Intrinsics
from monodepth2.src.sfm_utils.velodyne import project_velodyne, read_velodyne, velodyne_depth_map

# A camera at the velodyne's place that looks ahead: x right = -y, y down = -z, z ahead = x.
AHEAD = "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 0 0\n"
CAMERAS = (
    "calib_time: 09-Jan-2012 13:57:47\nS_rect_02: 1.2e+01 8\n"
    "R_rect_00: 1 0 0 0 1 0 0 0 1\n"
    "P_rect_02: 10 0 5 1 0 10 4 0 0 0 1 0\nP_rect_03: 10 0 5 -4 0 10 4 0 0 0 1 0\n"
)


@pytest.fixture
def day(tmp_path):
    (tmp_path / calibration.CAM_TO_CAM).write_text(CAMERAS)
    (tmp_path / calibration.VELO_TO_CAM).write_text(AHEAD)
    return tmp_path


def test_a_raw_calibration_by_hand(day):
    found = calibration.read_raw_calibration(day)
    assert found.size == (8, 12)
    assert found.baseline == pytest.approx(0.5)
    # 2 m ahead, 1 m to the left, 0.5 m up: u = 10 (-1) / 2 + 5 + 1 / 2, v = 10 (-0.5) / 2 + 4.
    u, v, z = found.image_from_velodyne(2) @ (2, 1, 0.5, 1)
    assert (u / z, v / z, z) == (0.5, 1.5, 2)


@pytest.mark.parametrize("key", ["P_rect_02", "P_rect_03", "R_rect_00", "R", "T"])
def test_a_missing_key_is_named(day, key):
    for name in (calibration.CAM_TO_CAM, calibration.VELO_TO_CAM):
        lines = (day / name).read_text().splitlines(True)
        (day / name).write_text("".join(x for x in lines if not x.startswith(f"{key}:")))
    name = calibration.VELO_TO_CAM if key in "RT" else calibration.CAM_TO_CAM
    with pytest.raises(InputError, match=f"{name} has no {key}; take the file from KITTI again"):
        calibration.read_raw_calibration(day)


@pytest.mark.parametrize(
    "old, new, what",
    [
        ("10 0 5 1 0", "10 0 5 1", "P_rect_02: expected 12 numbers, got 11"),
        ("10 0 5 1 0", "10 0 5 x 0", "P_rect_02: expected 12 finite numbers"),
        ("10 0 5 1 0", "10 0 nan 1 0", "P_rect_02: expected 12 finite numbers"),
        ("S_rect_02: 1.2e+01", "S_rect_02: 0", "S_rect_02 0 8 is no size of an image"),
        ("S_rect_02: 1.2e+01", "S_rect_02: 99999", "is no size of an image"),
    ],
)
def test_a_damaged_calibration_is_named(day, old, new, what):
    path = day / calibration.CAM_TO_CAM
    path.write_text(CAMERAS.replace(old, new))
    with pytest.raises(InputError) as error:
        calibration.read_raw_calibration(day)
    assert str(path) in str(error.value) and what in str(error.value)


def test_a_line_without_a_key_is_named(tmp_path):
    (tmp_path / "calib.txt").write_text("P0: 1\n\n12 13\n")
    with pytest.raises(InputError, match=r"line 3: expected 'key: numbers', got '12 13'"):
        calibration.read_calibration(tmp_path / "calib.txt")


def test_an_odometry_calibration(tmp_path):
    rows = {
        key: np.arange(12.0) + index for index, key in enumerate(["P0", "P1", "P2", "P3", "Tr"])
    }
    text = "".join(f"{key}: {' '.join(map(str, row))}\n" for key, row in rows.items())
    path = tmp_path / "calib.txt"
    path.write_text(text)
    found = calibration.read_odometry_calibration(path)
    assert {key: value.ravel().tolist() for key, value in found.items()} == {
        key: row.tolist() for key, row in rows.items()
    }
    path.write_text(text.partition("Tr")[0])
    assert set(calibration.read_odometry_calibration(path)) == {"P0", "P1", "P2", "P3"}
    path.write_text(text.replace("P2:", "P4:"))
    with pytest.raises(InputError, match="calib.txt has no P2"):
        calibration.read_odometry_calibration(path)


@pytest.mark.parametrize("size, good", [("1 1", True), ("16384 16384", True), ("1 16385", False)])
def test_the_images_size_has_limits(day, size, good):
    path = day / calibration.CAM_TO_CAM
    path.write_text(CAMERAS.replace("S_rect_02: 1.2e+01 8", f"S_rect_02: {size}"))
    if good:
        width, height = map(int, size.split())
        assert calibration.read_raw_calibration(day).size == (height, width)
    else:
        with pytest.raises(InputError, match="S_rect_02 1 16385 is no size of an image"):
            calibration.read_raw_calibration(day)


def test_focal_lengths_of_kitti_2015():
    focal = {1242: 721.5377, 1241: 718.856, 1238: 718.3351, 1224: 707.0493}
    assert {width: calibration.focal_of_width(width, "x.png") for width in focal} == focal
    with pytest.raises(InputError, match="x.png: width 640 is not one of KITTI 2015"):
        calibration.focal_of_width(640, "x.png")


def scan(*points):
    return np.array([[*point, 0.3] for point in points], np.float32)


def test_a_scan_by_hand(day):
    """u = 5.5 - 10 y / x; v = 4 - 10 z / x; minus 1 after rounding halves to even."""
    found = calibration.read_raw_calibration(day)
    points = scan((2, 0, 0), (4, 0, 0), (-2, 0, 0), (2, 1, 0), (2, 2, 0))
    points.tofile(day / "scan.bin")
    got = velodyne_depth_map(found, day / "scan.bin", 2)
    # (2, 0, 0): u = 5.5 -> 6 - 1; (4, 0, 0): u = 5.25 -> 4; (2, 1, 0): u = 0.5 -> -1, outside.
    assert {(int(r), int(c)): got[r, c] for r, c in zip(*got.nonzero())} == {(3, 5): 2, (3, 4): 4}
    assert got.shape == (8, 12)


def test_the_nearest_of_several_points_counts_and_neighbours_across_rows_collide():
    projection = np.array([[0.0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]])  # u = y/x, v = z/x; w = x

    def at(row, column, depth):
        return (depth, (column + 1) * depth, (row + 1) * depth)

    def depths(*points):
        return project_velodyne(scan(*points), projection, (3, 4))

    assert depths(at(1, 2, 8), at(1, 2, 2), at(1, 2, 4))[1, 2] == 2
    # The last pixel of row 0 and the first of row 1: the first point's pixel takes the minimum.
    got = depths(at(0, 3, 8), at(1, 0, 2))
    assert (got[0, 3], got[1, 0]) == (2, 2)
    got = depths(at(1, 0, 8), at(0, 3, 2), at(0, 3, 4))
    assert (got[1, 0], got[0, 3]) == (2, 4)
    # Not so for other neighbours.
    got = depths(at(0, 2, 8), at(1, 0, 2))
    assert (got[0, 2], got[1, 0]) == (8, 2)


def test_depth_is_the_cameras_z_or_the_velodynes_x():
    projection = np.array([[0, 5.0, 0, 20], [0, 0, 5, 20], [1, 0, 0, 2]])
    options = (scan((8, 0, 0)), projection, (3, 4))
    assert project_velodyne(*options)[1, 1] == 10
    assert project_velodyne(*options, "velodyne_x")[1, 1] == 8


def test_points_behind_the_scanner_are_left_out():
    """With the camera 2 m behind it; the plane through the scanner belongs to what is ahead."""
    projection = np.array([[0, 5.0, 0, 6], [0, 0, 5, 6], [1, 0, 0, 2]])
    assert project_velodyne(scan((0, 0, 0)), projection, (3, 4))[2, 2] == 2
    assert not project_velodyne(scan((-0.5, 0, 0)), projection, (3, 4)).any()


def test_a_negative_depth_becomes_none():
    projection = np.array([[0, 0, 0, -2.0], [0, 0, 0, -2], [0, 0, 0, -1]])
    assert not project_velodyne(scan((8, 0, 0)), projection, (3, 4)).any()


def test_a_scan_that_cannot_be(day):
    path = day / "scan.bin"
    with pytest.raises(InputError, match="scan.bin is missing; download the velodyne points"):
        read_velodyne(path)
    for data in (b"", b"\0" * 30):
        path.write_bytes(data)
        with pytest.raises(
            InputError, match=f"has {len(data)} bytes, no multiple of 16: cut short"
        ):
            read_velodyne(path)
    path.write_bytes(np.full(4, np.nan, np.float32).tobytes())
    with pytest.raises(
        InputError, match="scan.bin is damaged: it holds values that are not finite"
    ):
        read_velodyne(path)
    path.write_bytes(scan((1, 2, 3)).tobytes())
    (day / calibration.CAM_TO_CAM).write_text(CAMERAS.replace("S_rect_02", "S_02"))
    found = calibration.read_raw_calibration(day)
    with pytest.raises(InputError, match="has no S_rect_02"):
        velodyne_depth_map(found, path, 2)
    assert velodyne_depth_map(found, path, 2, size=(3, 4)).shape == (3, 4)


CAMERA = Intrinsics(fx=100.0, fy=110.0, cx=50.0, cy=20.0, width=200, height=80)


def test_a_scan_that_cannot_be_read(day, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    (day / "scan.bin").write_bytes(scan((1, 2, 3)).tobytes())
    monkeypatch.setattr(np, "fromfile", refuse)
    with pytest.raises(InputError, match=r"scan.bin: Permission denied$"):
        read_velodyne(day / "scan.bin")


def test_intrinsics_scale_with_the_images():
    assert CAMERA.resized(40, 50) == Intrinsics(25.0, 55.0, 12.5, 10.0, 50, 40)
    np.testing.assert_array_equal(CAMERA.matrix, [[100, 0, 50], [0, 110, 20], [0, 0, 1]])
    projection = np.array([[100, 0, 50, 7], [0, 110, 20, 8], [0, 0, 1, 9]])
    assert intrinsics.intrinsics_of(projection, 80, 200) == CAMERA


def test_intrinsics_from_a_field_of_view():
    camera = intrinsics.intrinsics_from_view(90, 80, 200)
    assert (camera.fx, camera.fy) == pytest.approx((100, 100))
    assert (camera.cx, camera.cy, camera.width, camera.height) == (99.5, 39.5, 200, 80)
    with pytest.raises(InputError, match="field of view 180 degrees; expected 1 to 170"):
        intrinsics.intrinsics_from_view(180, 80, 200)


def test_intrinsics_of_another_size_are_refused():
    CAMERA.check_size(80, 200, "clip.mp4")
    with pytest.raises(InputError) as error:
        CAMERA.check_size(200, 80, "clip.mp4")
    assert str(error.value) == (
        "clip.mp4: the images are 80x200, but the intrinsics hold for 200x80; give those of 80x200"
    )


def test_intrinsics_files(tmp_path):
    path = tmp_path / "camera.json"
    intrinsics.write_intrinsics(path, CAMERA)
    assert intrinsics.read_intrinsics(path) == CAMERA
    path.write_text("# fx fy cx cy width height\n100 110 50 20 200 80\n")
    assert intrinsics.read_intrinsics(path) == CAMERA


@pytest.mark.parametrize(
    "text, what",
    [
        ("", "expected one line 'fx fy cx cy width height', or JSON"),
        ("1 2 3 4", "expected 6 numbers, got 4"),
        ("1 2 3 4 5 6\n1 2 3 4 5 6", "expected one line"),
        ("1 2 3 4 5 x", "expected 6 finite numbers"),
        ("1 2 3 4 5 6.5", "height 6.5; expected a whole number"),
        ("{", "is damaged: not JSON"),
        ('{"fx": 1}', "has no fy"),
        ('{"fx": true, "fy": 1}', "fx True; expected a number"),
    ],
)
def test_damaged_intrinsics_are_named(tmp_path, text, what):
    path = tmp_path / "camera.txt"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        intrinsics.read_intrinsics(path)
    assert str(path) in str(error.value) and what in str(error.value)


@pytest.mark.parametrize("key", ["fx", "fy", "cx", "cy", "width", "height"])
@pytest.mark.parametrize("value", ["1", None, [1], True, 1e300, "NaN"])
def test_a_value_that_is_no_number_is_named(tmp_path, key, value):
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({**vars(CAMERA), key: value}).replace('"NaN"', "NaN"))
    with pytest.raises(InputError, match=f"camera.json: {key} .*; expected a number"):
        intrinsics.read_intrinsics(path)


@pytest.mark.parametrize("key", ["fx", "fy", "width", "height"])
@pytest.mark.parametrize("value", [0, -1])
def test_what_must_be_above_zero(tmp_path, key, value):
    path = tmp_path / "camera.json"
    path.write_text(json.dumps({**vars(CAMERA), key: value}))
    with pytest.raises(InputError, match="camera.json: .* must be above 0"):
        intrinsics.read_intrinsics(path)
