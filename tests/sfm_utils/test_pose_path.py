"""Six numbers as matrices, and the path that they make."""

import numpy as np
import pytest

from monodepth2.src.sfm_utils.pose_path import PoseConvention, PosePath, write_paths
from monodepth2.src.sfm_utils.rotations import pose_from_vector
from monodepth2.src.sfm_utils.trajectories import read_tum

PAIRS = ((0, 1), (0, -1))
EULER = PoseConvention("euler_xyz", "translation_rotation", PAIRS)


def test_euler_angles_come_after_the_translation():
    vectors = np.random.default_rng(0).standard_normal((2, 6)) / 3
    np.testing.assert_allclose(EULER.matrices(vectors), pose_from_vector(vectors), atol=1e-12)
    clipped = EULER.matrices([0, 0, 0, 4, 0, 0])
    np.testing.assert_allclose(clipped[:3, :3], np.diag([1, -1, -1]), atol=1e-12)


def test_an_axis_angle_turns_by_its_length():
    convention = PoseConvention("axis_angle", "rotation_translation", PAIRS, scale=5.4)
    pose = convention.matrices([0, 0, np.pi / 2, 1, 2, 3])
    np.testing.assert_allclose(pose[:3, :3], [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-12)
    np.testing.assert_allclose(pose[:3, 3], [5.4, 10.8, 16.2])
    np.testing.assert_allclose(convention.matrices(np.zeros((2, 3, 6)))[1, 2], np.eye(4))


def test_a_sidecar_tells_of_it():
    assert PoseConvention("euler_xyz", "translation_rotation", PAIRS, 5.4).sidecar == {
        "pose": {
            "rotation": "euler_xyz",
            "layout": "translation_rotation",
            "pairs": [[0, 1], [0, -1]],
        },
        "metric_scale": 5.4,
    }


@pytest.mark.parametrize("names", [("quaternion", "rotation_translation"), ("axis_angle", "x")])
def test_an_unknown_convention_is_named(names):
    with pytest.raises(ValueError, match="expected one of axis_angle, euler_xyz and rotation_tra"):
        PoseConvention(*names, PAIRS)


def vector(x):
    """A translation alone."""
    return np.array([x, 0, 0, 0, 0, 0.0])


def places(piece):
    return piece.world_from_camera[:, 0, 3].tolist()


def test_the_first_pair_that_tells_of_a_step_counts():
    path = PosePath(EULER)
    # The camera drives along x: for the next frame points move to -x.
    path.add(1, [vector(-2), vector(1)])
    path.add(2, [vector(-3), vector(50)])
    (piece,) = path.pieces()
    assert piece.times.tolist() == [0, 1, 2, 3] and places(piece) == [0, 1, 3, 6]
    backwards = PosePath(EULER)
    backwards.add(2, [vector(-3), vector(50)])
    backwards.add(1, [vector(-2), vector(1)])
    assert [places(piece) for piece in backwards.pieces()] == [[0, 1, 3, 6]]


def test_a_gap_begins_a_new_piece_and_long_steps_are_left_out(tmp_path):
    path = PosePath(PoseConvention("euler_xyz", "translation_rotation", ((0, 2), (0, 1))))
    assert list(path.pieces()) == []
    for number in (4, 1, 0):
        path.add(number, np.concatenate([vector(70), vector(-1 - number)]))
    pieces = list(path.pieces())
    assert [piece.times.tolist() for piece in pieces] == [[0, 1, 2], [4, 5]]
    assert [places(piece) for piece in pieces] == [[0, 1, 3], [0, 5]]
    write_paths(tmp_path, pieces)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "trajectory.txt",
        "trajectory_1.txt",
    ]
    assert places(read_tum(tmp_path / "trajectory_1.txt")) == [0, 5]
    text = (tmp_path / "trajectory.txt").read_text().splitlines()
    assert text[0] == "0.000000000 " * 7 + "1.000000000"
