"""Snippets: errors and matches by hand, and folders that cannot be."""

import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import snippets
from monodepth2.src.sfm_utils.rotations import inverse_pose, pose_from_vector, steps_of
from monodepth2.src.sfm_utils.trajectories import Trajectory, read_tum


def places(*z):
    return np.array([[0, 0, value] for value in z], float)


def test_the_error_is_taken_after_the_best_scale():
    assert snippets.snippet_ate(places(0, 1, 2), places(0, 10, 20)) < 1e-15
    # Moved to a common first place before: 5, 6, 8 becomes 0, 1, 3; scale 7 / 10.
    expected = np.sqrt(0.3**2 + 0.1**2) / 3
    assert snippets.snippet_ate(places(0, 1, 2), places(5, 6, 8)) == pytest.approx(expected)


def test_the_error_of_standing_still():
    assert snippets.snippet_ate(places(0, 1, 2), places(4, 4, 4)) == pytest.approx(np.sqrt(5) / 3)


def test_times_match_within_the_limit_the_closest_first():
    first = np.array([0, 1, 2, 3.0])
    second = np.array([0.125, 1.1875, 1.21875, 2.25, 2.875])
    i, j = snippets.match_times(first, second, 0.25)
    assert list(zip(i, j)) == [(0, 0), (1, 1), (3, 4)]  # 2.25 is no closer than the limit
    # One time for two: the closer one gets it.
    i, j = snippets.match_times(np.array([0.0, 0.008]), np.array([0.005]))
    assert list(zip(i, j)) == [(1, 0)]
    i, j = snippets.match_times(first[:2], np.array([-1, 0, 1.0625]), 0.25)
    assert list(zip(i, j)) == [(0, 1), (1, 2)]
    assert snippets.match_times(first, first + 0.011)[0].size == 0
    assert snippets.match_times(first, first + 0.009)[1].tolist() == [0, 1, 2, 3]


def trajectory(times, z):
    poses = np.tile(np.eye(4), (len(z), 1, 1))
    poses[:, 2, 3] = z
    return Trajectory(np.array(times), poses)


def test_what_cannot_be_told_counts_for_nothing():
    target = trajectory([0, 0.1, 0.2], [0, 1, 2])
    assert snippets.matched_ate(target, trajectory([0, 0.5, 0.6], [0, 1, 2])) is None
    assert snippets.matched_ate(target, trajectory([0, 0.1, 0.6], [0, 1, 2])) is None
    assert snippets.matched_ate(target, trajectory([0, 0.1, 0.2], [0, 1, 3])) > 0
    aside = trajectory([0, 0.1, 0.6], [0, 1, 2])
    aside.world_from_camera[1, 0, 3] = 1
    # Two matches are enough: 1 ahead, predicted as 1 ahead and 1 aside, scaled by a half.
    assert snippets.matched_ate(target, aside) == pytest.approx(np.sqrt(0.5) / 2)
    still = trajectory([0, 0.1, 0.2], [0, 0, 0])
    assert snippets.matched_ate(still, target) is None
    scores = snippets.SnippetScores({"a": None, "b": 1.0, "c": 3.0})
    assert (scores.mean, scores.std, scores.unmatched) == (2, 1, 0)
    assert np.isnan(snippets.SnippetScores({"a": None}).mean)
    assert np.isnan(snippets.SnippetScores({"a": None}).std)


def drive(count):
    """world_from_camera: one metre ahead per frame, turning."""
    angles = 0.1 * np.arange(count)
    zeros = np.zeros(count)
    return pose_from_vector(
        np.column_stack([angles, zeros, np.arange(count), zeros, angles, zeros])
    )


def test_geonets_snippets_are_the_cameras_in_the_first_ones_frame():
    poses = drive(6)
    found = snippets.geonet_target_snippets(poses, 3)
    assert len(found) == 4
    np.testing.assert_allclose(found[2], inverse_pose(poses[2]) @ poses[2:5], atol=1e-12)


def test_the_target_stands_in_the_middle():
    sources = np.arange(12.0).reshape(2, 6) + 1
    got = snippets.with_target(sources)
    np.testing.assert_array_equal(got, [sources[0], np.zeros(6), sources[1]])
    assert snippets.with_target(np.ones((4, 6))).any(1).tolist() == [1, 1, 0, 1, 1]


def test_a_snippets_file(tmp_path):
    poses = np.tile(np.eye(4), (2, 1, 1))
    poses[1] = pose_from_vector([1, 2, 3, 0, np.pi, 0])
    snippets.write_snippet(tmp_path / "snippets" / "000000.txt", [0, 0.1], poses)
    text = (tmp_path / "snippets" / "000000.txt").read_text().splitlines()
    assert [float(word) for word in text[0].split()] == [0, 0, 0, 0, 0, 0, 0, 1]
    assert [abs(float(word)) for word in text[1].split()] == [0.1, 1, 2, 3, 0, 1, 0, 0]
    assert len(read_tum(tmp_path / "snippets" / "000000.txt")) == 2


def test_monodepth2s_snippets_shrink_at_the_end():
    poses = drive(7)
    truth = inverse_pose(steps_of(poses))
    scores = snippets.evaluate_monodepth2_snippets(poses, truth)
    assert list(scores.ates) == [str(start) for start in range(6)]
    assert scores.mean < 1e-12
    wrong = truth.copy()
    wrong[5, 0, 3] += 1  # only snippets that reach the last step notice
    errors = np.array(list(snippets.evaluate_monodepth2_snippets(poses, wrong).ates.values()))
    assert (errors > 1e-3).tolist() == [False, False, True, True, True, True]
    short = snippets.evaluate_monodepth2_snippets(poses, wrong, length=3)
    assert [ate > 1e-3 for ate in short.ates.values()] == [0, 0, 0, 0, 1, 1]
    with pytest.raises(InputError, match="5 predicted poses for 7 frames; expected 6"):
        snippets.evaluate_monodepth2_snippets(poses, truth[:5])


def test_folders_of_snippets(tmp_path):
    for name in ("target", "predicted"):
        snippets.write_snippet(tmp_path / name / "000000.txt", [0, 0.1], drive(2))
    (tmp_path / "predicted" / "notes.md").write_text("no snippet")
    (tmp_path / "predicted" / "other.txt").write_text("no ground truth")
    scores = snippets.evaluate_snippet_files(tmp_path / "target", tmp_path / "predicted")
    assert list(scores.ates) == ["000000.txt"] and scores.unmatched == 1
    with pytest.raises(InputError, match="notes holds no .txt: predict the poses first"):
        snippets.evaluate_snippet_files(tmp_path / "target", tmp_path / "notes")
    with pytest.raises(InputError, match="none has no file of the 2 in .*, such as 000000.txt"):
        snippets.evaluate_snippet_files(tmp_path / "none", tmp_path / "predicted")
    (tmp_path / "target" / "other.txt").write_text("0 0 0 0 0 0 0 1\n1 2\n")
    with pytest.raises(InputError, match=r"other.txt line 2: expected 8 numbers"):
        snippets.evaluate_snippet_files(tmp_path / "target", tmp_path / "predicted")
