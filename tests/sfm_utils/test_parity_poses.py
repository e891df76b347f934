"""Rotations, snippets and their errors equal both originals' numbers."""

import json

import numpy as np
import pytest

from monodepth2.src.sfm_utils import rotations
from monodepth2.src.sfm_utils.rotations import cumulative_poses
from monodepth2.src.sfm_utils.snippets import (
    evaluate_monodepth2_snippets,
    evaluate_snippet_files,
    geonet_snippet,
    geonet_target_snippets,
    with_target,
    write_snippet,
)
from monodepth2.src.sfm_utils.trajectories import read_kitti_poses, read_times
from tests.golden_files import golden_dir

MONODEPTH2, GEONET = golden_dir("monodepth2"), golden_dir("geonet")
EXPECTED = json.loads((GEONET / "kitti_eval.json").read_text())


def arrays(path, *names):
    with np.load(path) as golden:
        return [golden[name] for name in names]


def test_euler_angles_and_quaternions():
    names = "rot_f64", "rot_mat2euler_zyx_f64", "rot_quat_wxyz_f64"
    rotation, zyx, wxyz = arrays(GEONET / "kitti_eval.npz", *names)
    got = rotations.euler_from_rotation(rotation)
    np.testing.assert_allclose(got[:, ::-1], zyx, rtol=0, atol=1e-12)
    np.testing.assert_allclose(rotations.rotation_from_euler(got), rotation, rtol=0, atol=1e-12)
    got = rotations.quaternion_from_rotation(rotation)
    np.testing.assert_allclose(got[:, [3, 0, 1, 2]], wxyz, rtol=0, atol=1e-12)


def test_pose_vectors():
    vector, expected = arrays(GEONET / "kitti_eval.npz", "posevec_f64", "posevec_mat_f64")
    pose = rotations.pose_from_vector(vector)
    np.testing.assert_allclose(pose, expected, rtol=0, atol=1e-12)
    again = rotations.pose_from_vector(rotations.vector_from_pose(pose))
    np.testing.assert_allclose(again, expected, rtol=0, atol=1e-12)


def assert_same_text(path, expected):
    """The numbers of a snippet's file, within the last printed digit."""
    got = [[float(word) for word in line.split(" ")] for line in path.read_text().splitlines()]
    rows = [[float(word) for word in line.split(" ")] for line in expected.splitlines()]
    np.testing.assert_allclose(got, rows, rtol=0, atol=1.01e-6)


@pytest.fixture
def odometry(tmp_path):
    """(world_from_camera, times) of GeoNet's goldens, read from files."""
    expected = EXPECTED["odom"]
    (tmp_path / "09.txt").write_text(expected["poses_txt"])
    (tmp_path / "times.txt").write_text(expected["times_txt"])
    count = expected["n_frames"]
    return (
        read_kitti_poses(tmp_path / "09.txt", count),
        read_times(tmp_path / "times.txt", count),
    )


def write_targets(folder, odometry, length):
    poses, times = odometry
    for start, snippet in enumerate(geonet_target_snippets(poses, length)):
        write_snippet(folder / f"{start:06d}.txt", times[start : start + length], snippet)


def write_predictions(folder, length):
    """GeoNet's predicted snippets, at the times that the goldens' files have."""
    (poses,) = arrays(GEONET / "kitti_eval.npz", f"pred_poses_seq{length}")
    texts = EXPECTED["ate"][str(length)]["pred_snippets"]
    for name, text in texts.items():
        times = [float(line.split()[0]) for line in text.splitlines()]
        sources = poses[0 if name.startswith("9") else int(name[:6])]
        write_snippet(folder / name, times, geonet_snippet(with_target(sources)))
    return texts


@pytest.mark.parametrize("length", [3, 5])
def test_ground_truth_snippets(odometry, length, tmp_path):
    write_targets(tmp_path / "targets", odometry, length)
    expected = EXPECTED["odom"]["snippets"][str(length)]
    assert {path.name for path in (tmp_path / "targets").iterdir()} == set(expected)
    for name, text in expected.items():
        assert_same_text(tmp_path / "targets" / name, text)


@pytest.mark.parametrize("length", [3, 5])
def test_predicted_snippets_and_their_errors(odometry, length, tmp_path):
    texts = write_predictions(tmp_path / "predicted", length)
    assert len(texts) == EXPECTED["odom"]["n_frames"] - length + 2
    for name, text in texts.items():
        assert_same_text(tmp_path / "predicted" / name, text)
    write_targets(tmp_path / "targets", odometry, length)
    scores = evaluate_snippet_files(tmp_path / "targets", tmp_path / "predicted")
    expected = EXPECTED["ate"][str(length)]
    assert scores.ates.keys() == expected["per_file"].keys()
    for name, ate in expected["per_file"].items():
        assert scores.ates[name] == (ate if ate is None else pytest.approx(ate, rel=1e-5)), name
    assert scores.unmatched == 1
    assert scores.mean == pytest.approx(expected["mean"], rel=1e-5)
    assert scores.std == pytest.approx(expected["std"], rel=1e-5)
    assert f"ATE mean: {scores.mean:.4f}, std: {scores.std:.4f}" == expected["printed"]


def test_monodepth2_snippets():
    file = MONODEPTH2 / "pose_eval.npz"
    predicted, text = arrays(file, "pred_poses", "gt_poses_txt")
    poses = read_kitti_poses(MONODEPTH2 / "pose_eval_gt_09.txt", len(text))
    np.testing.assert_allclose(poses[:, :3].reshape(-1, 12), text, rtol=1e-15)
    first, lengths, ates, mean, std = arrays(
        file, "dump_xyz_pred_first4", "snippet_len", "ates", "mean", "std"
    )
    got = cumulative_poses(predicted[:4])[:, :3, 3]
    np.testing.assert_allclose(got, first, rtol=0, atol=1e-7)
    scores = evaluate_monodepth2_snippets(poses, predicted)
    np.testing.assert_allclose(list(scores.ates.values()), ates, rtol=1e-6)
    assert (scores.mean, scores.std) == pytest.approx((float(mean), float(std)), rel=1e-6)
    for start, length in enumerate(lengths):
        alone = evaluate_monodepth2_snippets(
            poses[start : start + length], predicted[start : start + length - 1]
        )
        assert alone.ates["0"] == pytest.approx(scores.ates[str(start)], rel=1e-9)


def test_the_targets_own_pose_stands_between_the_sources():
    names = "pred_poses", "poses_with_target_inserted"
    sources, expected = arrays(GEONET / "ckpt_pose_expect.npz", *names)
    np.testing.assert_array_equal([with_target(one) for one in sources], expected)
