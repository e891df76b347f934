"""KITTI raw and odometry: which frames make a sample, and the camera of each."""

import shutil

import numpy as np
import pytest

from geonet.src.model_utils.errors import InputError
from geonet.src.preparation import kitti
from geonet.src.preparation.scenes import drives_of_test_set

DRIVE = "2011_09_26_drive_0001_sync"
PLACE = f"2011_09_26/{DRIVE}"
CALIBRATION = """calib_time: 09-Jan-2012 13:57:47
S_rect_02: 60 20
P_rect_02: 41 0 30 44 0 42 10 0.2 0 0 1 0.003
S_rect_03: 60 20
P_rect_03: 43 0 31 -33 0 44 11 0.2 0 0 1 0.003
"""


def make_drive(root, numbers, cameras=(2, 3), place=PLACE):
    """A drive of empty files; the names are all that is looked at here."""
    for camera in cameras:
        folder = root / place / f"image_0{camera}" / "data"
        folder.mkdir(parents=True)
        for number in numbers:
            (folder / f"{number:010d}.png").touch()
    (root / "2011_09_26" / "calib_cam_to_cam.txt").write_text(CALIBRATION)


def raw_strips(root, length=3, static=(), split="eigen"):
    drives, _ = kitti.raw_drives(root, drives_of_test_set(split))
    return kitti.raw_strips(drives, {DRIVE: static}, length)


def targets(strips):
    """{folder: numbers of the targets}."""
    found = {}
    for strip in strips:
        found.setdefault(strip.folder, []).append(int(strip.name))
    return found


def test_both_cameras_and_their_own_projections(tmp_path):
    make_drive(tmp_path, range(4))
    strips = raw_strips(tmp_path)
    assert targets(strips) == {f"{DRIVE}_02": [1, 2], f"{DRIVE}_03": [1, 2]}
    assert strips[0].name == "0000000001"
    images = tmp_path / PLACE / "image_02" / "data"
    assert strips[0].images == tuple(images / f"{n:010d}.png" for n in range(3))
    for strip, numbers in ((strips[0], (41, 30, 42, 10)), (strips[-1], (43, 31, 44, 11))):
        P = strip.projection
        assert (P[0, 0], P[0, 2], P[1, 1], P[1, 2]) == numbers
        assert strip.size == (20, 60)


def test_the_drives_of_the_test_set_are_left_out(video):
    """Drive 0002 of 2011_09_28 is in both test sets."""
    for split, left_out in (("eigen", 1), ("stereo", 1)):
        drives, tested = kitti.raw_drives(video / "raw", drives_of_test_set(split))
        assert [drive.name for drive in drives] == [DRIVE, "2011_09_29_drive_0003_sync"]
        assert tested == left_out


@pytest.mark.parametrize("number", [5, 2])
def test_a_drive_may_be_of_one_test_set_only(tmp_path, number):
    name = f"2011_09_26_drive_{number:04d}_sync"
    make_drive(tmp_path, range(3), place=f"2011_09_26/{name}")
    trained, tested = ("eigen", "stereo") if number == 5 else ("stereo", "eigen")
    assert raw_strips(tmp_path, split=trained)
    with pytest.raises(InputError, match="with images but in 1 test drives; check --dataset_dir"):
        raw_strips(tmp_path, split=tested)


def test_no_sample_reaches_across_missing_or_static_frames(tmp_path):
    make_drive(tmp_path, [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11])
    # 4 is missing; the car stands at 8
    assert targets(raw_strips(tmp_path, static=[8]))[f"{DRIVE}_02"] == [1, 2, 6, 10]
    assert targets(raw_strips(tmp_path, length=5))[f"{DRIVE}_03"] == [7, 8, 9]


def test_a_camera_alone_and_jpg(tmp_path):
    make_drive(tmp_path, range(3), cameras=(3,))
    for path in tmp_path.rglob("*.png"):
        path.rename(path.with_suffix(".jpg"))
    (strip,) = raw_strips(tmp_path)
    assert strip.folder == f"{DRIVE}_03"
    assert {path.suffix for path in strip.images} == {".jpg"}


def test_a_day_without_calibration_is_named(tmp_path):
    make_drive(tmp_path, range(3))
    path = tmp_path / "2011_09_26" / "calib_cam_to_cam.txt"
    path.unlink()
    with pytest.raises(InputError, match=f"{path} is missing"):
        raw_strips(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("P_rect_03: 43", "P_rect_03: -43", "P_rect_03 has no focal length above 0"),
        ("P_rect_02", "P_rect_00", "has no P_rect_02; take the file from KITTI"),
        ("S_rect_03: 60 20", "S_rect_03: 0 20", "S_rect_03 0 20 is no size of an image"),
    ],
)
def test_a_damaged_calibration_is_named(tmp_path, old, new, text):
    make_drive(tmp_path, range(3))
    path = tmp_path / "2011_09_26" / "calib_cam_to_cam.txt"
    path.write_text(CALIBRATION.replace(old, new))
    with pytest.raises(InputError) as error:
        raw_strips(tmp_path)
    assert str(path) in str(error.value)
    assert text in str(error.value)


def test_a_calibration_without_a_size_holds_for_the_images(tmp_path):
    lines = [line for line in CALIBRATION.splitlines() if not line.startswith("S_rect")]
    path = tmp_path / "000000.txt"
    path.write_text("\n".join(lines))
    projection, size = kitti.raw_camera(path, 2)
    assert size is None
    assert projection[0].tolist() == [41, 0, 30, 44]


def test_nothing_is_said_to_be_nothing(tmp_path):
    with pytest.raises(InputError, match="holds no <date>/<drive>_sync/image_02/data with images"):
        kitti.raw_drives(tmp_path, ())
    with pytest.raises(InputError, match="holds no sequences/00 to 08/image_2 with images"):
        kitti.sequences(tmp_path, "image_2")


def test_the_sequences_00_to_08_alone(video):
    drives = kitti.sequences(video / "odometry", "image_2")
    assert [drive.name for drive in drives] == ["00", "01"]  # 09 is there too
    strips = kitti.sequence_strips(drives, "image_2", 5)
    assert targets(strips) == {name: list(range(2, 18)) for name in ("00", "01")}
    assert strips[0].name == "000002"


@pytest.mark.parametrize("camera", kitti.SEQUENCE_CAMERAS)
def test_each_camera_of_a_sequence_has_its_projection(tmp_path, camera):
    folder = tmp_path / "sequences" / "08"
    (folder / camera).mkdir(parents=True)
    for number in range(3):
        (folder / camera / f"{number:06d}.png").touch()
    text = "".join(f"P{n}: {n + 1} 0 30 0 0 {n + 2} 10 0 0 0 1 0\n" for n in range(4))
    (folder / "calib.txt").write_text(text)
    (strip,) = kitti.sequence_strips(kitti.sequences(tmp_path, camera), camera, 3)
    number = int(camera[-1])
    np.testing.assert_array_equal(
        strip.projection[:, :3], [[number + 1, 0, 30], [0, number + 2, 10], [0, 0, 1]]
    )


def test_a_sequence_without_its_calibration_is_named(video, tmp_path):
    shutil.copytree(video / "odometry" / "sequences" / "01", tmp_path / "sequences" / "01")
    path = tmp_path / "sequences" / "01" / "calib.txt"
    path.unlink()
    with pytest.raises(InputError, match=f"{path} is missing"):
        kitti.sequence_strips(kitti.sequences(tmp_path, "image_2"), "image_2", 3)
