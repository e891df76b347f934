"""What GeoNet's quickstarts compare the networks with, and what they say of them."""

import json

import numpy as np
import pytest

from geonet.src.model_utils.metrics import NAMES
from geonet.src.sfm_utils.flow_files import write_flow_png
from geonet.src.sfm_utils.rotations import make_pose
from geonet.src.sfm_utils.trajectories import Trajectory, write_kitti_poses, write_tum
from scripts.quickstart import compare_geonet, compare_geonet_flow
from scripts.quickstart.compare_geonet import gain, motion_errors, rival_paths
from tests.synthetic.files import write_image


def path(steps):
    """world_from_camera of a camera that makes each (translation, degrees about y) in turn."""
    poses = [np.eye(4)]
    for translation, degrees in steps:
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        poses.append(poses[-1] @ make_pose(rotation, np.array(translation, float)))
    return np.stack(poses)


STRAIGHT = ((0, 0, 1), 0)


def test_a_straight_path_is_what_the_straight_rival_drives():
    truth = path([STRAIGHT] * 5)
    rivals = {name: motion_errors(poses, truth) for name, poses in rival_paths(6).items()}
    zeros = {"ATE 5": 0, "ATE 3": 0, "rotation": 0}
    assert rivals["straight on"] == pytest.approx(zeros, abs=1e-9)
    # Places 0 to 2 (or 4) metres ahead, all predicted at 0: sqrt(1 + 4) / 3.
    assert rivals["standing"]["ATE 3"] == pytest.approx(np.sqrt(5) / 3)
    assert rivals["standing"]["ATE 5"] == pytest.approx(np.sqrt(30) / 5)


def test_what_neither_rival_does_is_turn():
    truth = path([((0, 0, 1), degrees) for degrees in (2, -4, 3, 1)])
    found = {name: motion_errors(poses, truth) for name, poses in rival_paths(5).items()}
    assert [errors["rotation"] for errors in found.values()] == pytest.approx([2.5, 2.5])
    for key in ("ATE 5", "ATE 3"):
        assert 0 < found["straight on"][key] < found["standing"][key]


def test_a_path_that_turns_by_half_is_half_wrong():
    truth, half = (path([((0, 0, 0.5), degrees)] * 6) for degrees in (4, 2))
    found = motion_errors(half, truth)
    assert found["rotation"] == pytest.approx(2)
    assert motion_errors(truth, truth) == pytest.approx(dict.fromkeys(found, 0), abs=1e-6)
    straight = motion_errors(rival_paths(7)["straight on"], truth)
    assert 0 < found["ATE 5"] < 0.6 * straight["ATE 5"]


def test_a_gain_is_a_share_of_the_rival_s_error():
    columns = {"network": {"ATE": 0.3}, "standing": {"ATE": 0.4}}
    assert gain(columns, "ATE", "standing") == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("abs_rel", "ate", "share", "aside", "status"),
    [
        (0.16, 0.01, 0.5, 0, 0),
        (0.18, 0.01, 0.5, 0, 1),
        (0.16, 0.9, 0.5, 0, 1),
        (0.16, 0.01, 0.5, 0.9, 1),
        (0.16, 0.01, -0.5, 0, 1),
    ],
)
def test_depth_and_motion_must_both_be_better(
    monkeypatch, tmp_path, capsys, abs_rel, ate, share, aside, status
):
    """A network that turns by a share of the truth, and moves aside."""
    rivals = {"constant": dict.fromkeys(NAMES, 0.4), "mean map": dict.fromkeys(NAMES, 0.2)}
    monkeypatch.setattr(compare_geonet, "depth_columns", lambda kitti: dict(rivals))
    (tmp_path / "poses").mkdir()
    turns = np.array([2, 4, 3, 1, 2])
    write_kitti_poses(tmp_path / "poses" / "09.txt", path([((0, 0, 1), x) for x in turns]))
    depth = tmp_path / "depth.json"
    depth.write_text(json.dumps(dict.fromkeys(NAMES, abs_rel)))
    predicted = path([((aside, 0, 1), share * x) for x in turns])
    (tmp_path / "test_pose_metrics.json").write_text(json.dumps({"ate_mean": ate}))
    write_tum(tmp_path / "odom_09_tum.txt", Trajectory(np.arange(6.0), predicted))
    assert compare_geonet.main("unused", depth, tmp_path, tmp_path) == status
    out = capsys.readouterr().out
    assert "(wanted: 15 % below)" in out
    for key in ("ATE 5", "ATE 3", "rotation"):
        assert out.count(f"its {key} is") == 2


def test_errors_of_flow_on_moving_cars_and_elsewhere(tmp_path):
    """Images of 8x16 pixels, flow predicted at half the size."""
    training = tmp_path / "training"
    truth = np.zeros((8, 16, 2), np.float32)
    truth[..., 0] = 4
    cars = np.zeros((8, 16), np.uint8)
    cars[2:4, 2:6] = 3
    valid = np.ones((8, 16), bool)
    valid[0] = False
    for folder in ("flow_occ", "obj_map"):
        (training / folder).mkdir(parents=True)
    write_flow_png(training / "flow_occ" / "000001_10.png", truth, valid)
    write_image(training / "obj_map" / "000001_10.png", cars)
    predicted = np.zeros((4, 8, 2), np.float32)
    predicted[..., 0] = 2  # 4 pixels of the images: right
    predicted[1, 1:3] = (2, 1.5)  # 3 pixels too far down, on the cars alone
    found = compare_geonet_flow.errors([predicted], ["000001"], tmp_path)
    assert found["moving cars"] == pytest.approx(3, abs=0.05)
    assert found["the rest"] == pytest.approx(0, abs=0.05)
    assert found["all pixels"] == pytest.approx(3 * 8 / 112, abs=0.05)
