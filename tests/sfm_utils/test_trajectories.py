"""Trajectories: text files, chains, alignment and error by hand, the plot, and damaged files."""

import cv2
import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import trajectories
from monodepth2.src.sfm_utils.rotations import inverse_pose, pose_from_vector, steps_of
from monodepth2.src.sfm_utils.trajectories import Trajectory
from monodepth2.src.sfm_utils.trajectory_plot import _round_step, draw_trajectories


def drive(count=8, turn=0.2):
    """world_from_camera of a camera that drives ahead and turns right."""
    angles = turn * np.arange(count)
    places = np.cumsum(np.stack([np.sin(angles), 0.1 * angles, np.cos(angles)], 1), 0)
    zeros = np.zeros(count)
    return pose_from_vector(np.column_stack([places, zeros, angles, zeros]))


@pytest.fixture
def poses():
    return drive()


def test_kitti_text_comes_back(poses, tmp_path):
    path = tmp_path / "poses" / "09.txt"
    trajectories.write_kitti_poses(path, poses)
    np.testing.assert_allclose(trajectories.read_kitti_poses(path, 8), poses, atol=1e-9)
    first = path.read_text().splitlines()[0].split(" ")
    assert len(first) == 12 and first[0] == "1.000000000e+00"


def test_tum_text_comes_back(poses, tmp_path):
    path = tmp_path / "poses.txt"
    trajectories.write_tum(path, Trajectory(np.arange(8) / 10, poses))
    again = trajectories.read_tum(path)
    assert len(again) == 8
    np.testing.assert_allclose(again.times, np.arange(8) / 10)
    np.testing.assert_allclose(again.world_from_camera, poses, atol=1e-8)
    assert path.read_text().startswith("0.000000000 0.000000000 0.000000000 1.000000000 0.00")


def test_a_tum_line_by_hand(tmp_path):
    path = tmp_path / "poses.txt"
    path.write_text("# t tx ty tz q\n\n1.5,1,2,3,0,0,1,1\n2.5\t4 5 6 0 0 0 -2\n")
    got = trajectories.read_tum(path)
    assert got.times.tolist() == [1.5, 2.5]
    turned = [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    np.testing.assert_allclose(got.world_from_camera[0], turned, atol=1e-15)
    straight = [[1, 0, 0, 4], [0, 1, 0, 5], [0, 0, 1, 6], [0, 0, 0, 1]]
    np.testing.assert_allclose(got.world_from_camera[1], straight, atol=1e-15)


IDENTITY = "1 0 0 0 0 1 0 0 0 0 1 0"


@pytest.mark.parametrize(
    "line, what",
    [
        ("", "expected 12 numbers, got 0"),
        ("1 0 0", "expected 12 numbers, got 3"),
        (IDENTITY.replace("1", "x"), "expected 12 finite numbers"),
        (IDENTITY.replace("1", "inf"), "expected 12 finite numbers"),
        (IDENTITY.replace("1", "2"), "the first three columns are no rotation"),
        (IDENTITY.replace("1", "1e17"), "the first three columns are no rotation"),
        (IDENTITY.replace("1", "-1"), "the first three columns are no rotation"),
        ("0 " * 12, "the first three columns are no rotation"),
    ],
)
def test_a_bad_line_of_kittis_poses_is_named(tmp_path, line, what):
    path = tmp_path / "09.txt"
    path.write_text(f"{IDENTITY}\n{line}\n{IDENTITY}\n")
    with pytest.raises(InputError) as error:
        trajectories.read_kitti_poses(path)
    assert str(error.value).startswith(f"{path} line 2: ") and what in str(error.value)


def test_poses_and_times_shorter_than_the_sequence(tmp_path):
    path = tmp_path / "09.txt"
    path.write_text(f"{IDENTITY}\n" * 3)
    assert len(trajectories.read_kitti_poses(path, 3)) == 3
    with pytest.raises(InputError, match="09.txt has 3 poses, but the sequence has 4 frames"):
        trajectories.read_kitti_poses(path, 4)
    path.write_text("0.0\n0.1\n0.2\n")
    assert trajectories.read_times(path, 3).tolist() == [0, 0.1, 0.2]
    with pytest.raises(InputError, match="09.txt has 3 times, but the sequence has 2 frames"):
        trajectories.read_times(path, 2)
    path.write_text("")
    with pytest.raises(InputError, match="09.txt is empty; expected 12 numbers in each line"):
        trajectories.read_kitti_poses(path)


def test_times_must_ascend(tmp_path):
    path = tmp_path / "times.txt"
    path.write_text("0\n0.1\n0.1\n")
    with pytest.raises(InputError, match="times.txt line 3: time 0.1 is not after the last"):
        trajectories.read_times(path)
    path.write_text("#\n1 0 0 0 0 0 0 1\n#\n0.5 0 0 0 0 0 0 1\n")
    with pytest.raises(InputError, match="times.txt line 4: time 0.5 is not after the last"):
        trajectories.read_tum(path)


@pytest.mark.parametrize(
    "text, what",
    [
        ("", "holds no pose; expected lines 't tx ty tz qx qy qz qw'"),
        ("# only a comment", "holds no pose"),
        ("1 2 3", "line 1: expected 8 numbers, got 3"),
        ("1 0 0 0 0 0 0 0", "line 1: '1 0 0 0 0 0 0 0' has no quaternion at the end"),
        ("1 0 0 0 1e17 0 0 0", "has no quaternion"),
        ("1 0 0 0 0 0 0 nan", "line 1: expected 8 finite numbers"),
    ],
)
def test_a_damaged_tum_file_is_named(tmp_path, text, what):
    path = tmp_path / "poses.txt"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        trajectories.read_tum(path)
    assert str(error.value).startswith(str(path)) and what in str(error.value)


def test_a_chain_of_predictions_is_the_cameras_path(poses):
    next_from_this = inverse_pose(steps_of(poses))
    expected = inverse_pose(poses[0]) @ poses
    np.testing.assert_allclose(trajectories.chain_poses(next_from_this), expected, atol=1e-12)


def test_alignment_undoes_a_similarity(poses):
    """Moved, turned and scaled: with 7 degrees of freedom no error is left."""
    other = pose_from_vector([5, -3, 2, 0.3, 0.8, -0.4]) @ poses
    other[:, :3, 3] *= 0.25
    score = trajectories.score_trajectory(poses, other)
    assert score.ate_rmse < 1e-9 and score.scale == pytest.approx(4)
    assert score.rotation_degrees < 1e-5
    np.testing.assert_allclose(score.aligned, poses, atol=1e-9)
    fixed = trajectories.score_trajectory(poses, other, with_scale=False)
    assert fixed.scale == 1 and fixed.ate_rmse > 1


def test_the_error_by_hand():
    """Places 0, 1, 2 m ahead; the middle one 0.3 m to the side: the mean's 0.1 m is taken off."""
    target, predicted = np.tile(np.eye(4), (2, 3, 1, 1))
    target[:, 2, 3] = predicted[:, 2, 3] = [0, 1, 2]
    predicted[1, 0, 3] = 0.3
    score = trajectories.score_trajectory(target, predicted, with_scale=False)
    assert score.ate_rmse == pytest.approx(0.3 * np.sqrt(2) / 3)
    # With the scale: 2 / (2 + 0.06), from the spread ahead and aside.
    score = trajectories.score_trajectory(target, predicted)
    assert score.scale == pytest.approx(2 / 2.06)


def test_a_reflection_is_no_rotation(poses):
    mirrored = poses.copy()
    mirrored[:, :3, 3] *= [1, -1, 1]
    mirrored[:, :3, 3] += np.random.default_rng(0).normal(size=(8, 3)) / 10
    found = trajectories.align(poses[:, :3, 3], mirrored[:, :3, 3])
    assert np.linalg.det(found.rotation) == pytest.approx(1)


def test_rotation_error_from_frame_to_frame(poses):
    """A drive that turns 0.2 rad per frame, predicted as straight."""
    straight = np.tile(np.eye(4), (8, 1, 1))
    straight[:, 2, 3] = np.arange(8)
    score = trajectories.score_trajectory(poses, straight)
    assert score.rotation_degrees == pytest.approx(np.degrees(0.2))
    assert score.ate_rmse > 0.4


def test_standing_still_and_a_straight_line_have_an_error(poses):
    still = np.tile(np.eye(4), (8, 1, 1))
    score = trajectories.score_trajectory(poses, still)
    xyz = poses[:, :3, 3]
    expected = np.sqrt(np.mean(np.sum((xyz - xyz.mean(0)) ** 2, 1)))
    assert (score.ate_rmse, score.scale) == (pytest.approx(expected), 1)


@pytest.mark.parametrize("count", [7, 1])
def test_other_numbers_of_frames_are_refused(poses, count):
    target = poses if count > 1 else poses[:1]
    with pytest.raises(InputError, match=f"{count} predicted poses for {len(target)} true ones"):
        trajectories.score_trajectory(target, poses[:count])


def test_the_plot_shows_each_trajectory_from_above(poses, tmp_path):
    path = tmp_path / "plot.png"
    turned = pose_from_vector([0, 0, 0, 0, np.pi / 2, 0]) @ poses
    draw_trajectories(path, {"ground truth": poses, "prediction": turned})
    image = cv2.imread(str(path))[..., ::-1]
    assert image.shape == (640, 640, 3)

    def middle_of(color):
        rows, columns = np.nonzero((np.abs(image.astype(int) - color) < 30).all(2))
        inside = (rows > 60) & (rows < 580) & (columns > 60)  # without the legend
        return columns[inside].mean(), rows[inside].mean()

    # Both begin at (0, 1) m or turned to (1, 0); ahead is up, the turn about y goes to the right.
    truth, prediction = middle_of((40, 40, 40)), middle_of((220, 60, 30))
    assert truth[0] < prediction[0] and truth[1] < prediction[1]


def test_the_plot_of_a_point_and_of_what_is_not_finite(tmp_path):
    still = np.tile(np.eye(4), (3, 1, 1))
    draw_trajectories(tmp_path / "still.png", {"still": still})
    draw_trajectories(tmp_path / "nan.png", {"bad": np.full((3, 4, 4), np.nan)})
    assert cv2.imread(str(tmp_path / "still.png")) is not None
    assert cv2.imread(str(tmp_path / "nan.png")) is not None


@pytest.mark.parametrize("span, step", [(10, 2), (16, 5), (3, 1), (3.1, 1), (600, 200), (0.3, 0.1)])
def test_the_grid_has_round_steps(span, step):
    assert _round_step(span + 1e-9) == pytest.approx(step)


def test_the_plot_keeps_proportions(tmp_path):
    """A square path is as wide as it is high, and nothing leaves the frame."""
    square = np.tile(np.eye(4), (5, 1, 1))
    square[:, [0, 2], 3] = [[0, 0], [0, 2], [1, 2], [1, 0], [0, 0]]
    draw_trajectories(tmp_path / "plot.png", {"square": square})
    image = cv2.imread(str(tmp_path / "plot.png"))
    rows, columns = np.nonzero((image[60:590, 52:590] < 60).all(2))
    height, width = np.ptp(rows), np.ptp(columns)
    assert height == pytest.approx(528, abs=12) and width == pytest.approx(264, abs=12)
    assert columns.mean() + 52 == pytest.approx(320, abs=20)


def test_the_grid_and_its_numbers_are_where_they_belong(tmp_path):
    """z from 0 to 2 m in steps of 0.5 on 528 pixels; x is centred on 0.5 m; words beside both."""
    square = np.tile(np.eye(4), (3, 1, 1))
    square[:, [0, 2], 3] = [[0, 0], [0.4, 2], [1, 0.3]]
    labels = [f"drive {number}" for number in range(6)]
    draw_trajectories(tmp_path / "plot.png", dict.fromkeys(labels, square))
    image = cv2.imread(str(tmp_path / "plot.png"))[..., ::-1].astype(int)
    grey = (image == 225).all(2)
    lines = [56, 188, 320, 452, 584]
    assert np.flatnonzero(grey[:, 56:585].mean(1) > 0.6).tolist() == lines
    assert np.flatnonzero(grey[56:585].mean(0) > 0.6).tolist() == lines
    ink = (image < 128).all(2)
    for place in lines:
        assert (
            ink[place - 6 : place + 5, 4:30].any() and ink[592:602, place - 12 : place + 14].any()
        )
    assert not ink[200:300, :50].any() and not ink[592:602, 210:300].any()
    assert ink[608:620, 564:600].any() and ink[34:48, 4:40].any()  # x, m and z, m
    # The sixth label has the first one's colour again; the legend's lines are 16 pixels apart.
    colors = [(40, 40, 40), (220, 60, 30), (30, 100, 210), (30, 150, 60), (160, 60, 170)]
    for number, color in enumerate([*colors, colors[0]]):
        line = image[10 + 16 * number : 21 + 16 * number, 64:120]
        assert np.abs(line - color).sum(2).min() < 60, number
