"""Files of true places: KITTI's oxts, TUM, and lines of degrees."""

import numpy as np
import pytest

from monodepth2.src.gps import read_places
from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.scaling import places_on_earth
from monodepth2.src.sfm_utils.rotations import make_pose
from monodepth2.src.sfm_utils.trajectories import Trajectory, write_tum

DRIVE = "2011_09_29/2011_09_29_drive_0003_sync"


def test_kitti_s_records_follow_the_car(kitti):
    """As far from frame to frame as the drive's own velocity tells, at 10 Hz."""
    places = read_places(kitti / DRIVE / "oxts", 12)
    records = [np.loadtxt(file) for file in sorted((kitti / DRIVE / "oxts" / "data").glob("*.txt"))]
    speeds = np.linalg.norm([record[8:10] for record in records], axis=1)
    steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
    assert places.shape == (12, 3) and speeds.max() > 1
    # Not the first step: the first record's speed is one-sided.
    np.testing.assert_allclose(steps[1:], (speeds[2:] + speeds[1:-1]) / 20, atol=0.1)


def test_kitti_s_records_are_chosen_by_the_frames_names(kitti):
    every = read_places(kitti / DRIVE / "oxts" / "data", 12)
    some = read_places(kitti / DRIVE / "oxts", 3, ["0000000002", "0000000003", "0000000007"])
    np.testing.assert_allclose(some, every[[2, 3, 7]] - every[2], atol=1e-3)
    with pytest.raises(InputError, match="12 places for 2 frames; give one for each"):
        read_places(kitti / DRIVE / "oxts", 2, ["a", "b"])


def test_a_tum_file_holds_places_in_metres(tmp_path):
    places = np.arange(12.0).reshape(4, 3)
    poses = make_pose(np.tile(np.eye(3), (4, 1, 1)), places)
    write_tum(tmp_path / "path.txt", Trajectory(np.arange(4.0), poses))
    np.testing.assert_allclose(read_places(tmp_path / "path.txt", 4), places)


@pytest.mark.parametrize("join", [" ", ",", ", "])
@pytest.mark.parametrize("height", [[], ["150"]])
def test_lines_of_degrees(tmp_path, join, height):
    lines = ["# time lat lon", join.join(["0.0", "49", "8.4", *height]), ""]
    lines.append(join.join(["0.1", "49.0001", "8.4002", *height]))
    (tmp_path / "gps.txt").write_text("\n".join(lines))
    expected = places_on_earth(np.float64([[49, 8.4, 0], [49.0001, 8.4002, 0]]))
    np.testing.assert_allclose(read_places(tmp_path / "gps.txt", 2), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "gps.txt has 0 numbers in a line; give a folder oxts of KITTI, a TUM file"),
        ("1 2\n", "gps.txt has 2 numbers in a line"),
        ("0 49 8\n1 49 east\n", "gps.txt line 2"),
        ("0 49 8\n1 49\n", "gps.txt line 2"),
        ("0 95 8\n1 95 8\n", "latitudes must be within 90"),
        ("0 49 400\n1 49 8\n", "longitudes within 360"),
        ("0 49 8\n", "1 places for 2 frames"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(tmp_path, text, message):
    (tmp_path / "gps.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_places(tmp_path / "gps.txt", 2)


def test_a_folder_without_records_and_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="holds no records such as 0000000000.txt"):
        read_places(tmp_path, 2)
    with pytest.raises(InputError, match="none.txt is missing"):
        read_places(tmp_path / "none.txt", 2)
