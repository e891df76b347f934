"""What GeoNet's quickstarts compare the networks with, and what they say of them."""

import json

import numpy as np
import pytest

from geonet.src.model_utils.metrics import NAMES
from geonet.src.sfm_utils.flow_files import write_flow_png
from geonet.src.sfm_utils.rotations import make_pose
from geonet.src.sfm_utils.trajectories import write_kitti_poses
from scripts.quickstart import compare_geonet, compare_geonet_flow
from scripts.quickstart.compare_geonet import MOTIONS, gain, motion_columns
from tests.synthetic.files import write_image


def path(steps):
    """world_from_camera of a camera that makes each (translation, degrees about y) in turn."""
    poses = [np.eye(4)]
    for translation, degrees in steps:
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        rotation = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        poses.append(poses[-1] @ make_pose(rotation, np.array(translation, float)))
    return np.stack(poses)


def test_a_straight_path_is_what_the_straight_rival_drives():
    found = motion_columns(path([((0, 0, 1), 0)] * 4))
    assert found["straight on"] == pytest.approx({"ATE": 0, "rotation": 0}, abs=1e-9)
    # Places 0, 1 and 2 m ahead, all predicted at 0: sqrt(1 + 4) / 3.
    assert found["standing"]["ATE"] == pytest.approx(np.sqrt(5) / 3)


def test_what_neither_rival_does_is_turn():
    found = motion_columns(path([((0, 0, 1), 2), ((0, 0, 1), -4), ((0, 0, 1), 3)]))
    assert [found[name]["rotation"] for name in MOTIONS] == pytest.approx([3, 3])
    assert 0 < found["straight on"]["ATE"] < found["standing"]["ATE"]


def test_a_gain_is_a_share_of_the_rival_s_error():
    columns = {"network": {"ATE": 0.3}, "standing": {"ATE": 0.4}}
    assert gain(columns, "ATE", "standing") == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("abs_rel", "ate", "rotation", "status"),
    [(0.16, 0.01, 1, 0), (0.18, 0.01, 1, 1), (0.16, 0.9, 1, 1), (0.16, 0.01, 4, 1)],
)
def test_depth_and_motion_must_both_be_better(
    monkeypatch, tmp_path, capsys, abs_rel, ate, rotation, status
):
    rivals = {"constant": dict.fromkeys(NAMES, 0.4), "mean map": dict.fromkeys(NAMES, 0.2)}
    monkeypatch.setattr(compare_geonet, "depth_columns", lambda kitti: dict(rivals))
    (tmp_path / "poses").mkdir()
    truth = path([((0, 0, 1), 2), ((0, 0, 1), -4), ((0, 0, 1), 3)])
    write_kitti_poses(tmp_path / "poses" / "09.txt", truth)
    depth, pose = tmp_path / "depth.json", tmp_path / "pose.json"
    depth.write_text(json.dumps(dict.fromkeys(NAMES, abs_rel)))
    pose.write_text(json.dumps({"ate_mean": ate, "rotation_degrees": rotation}))
    assert compare_geonet.main("unused", depth, tmp_path, pose) == status
    out = capsys.readouterr().out
    assert "(wanted: 15 % below)" in out and "its rotation is" in out


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
