"""The readers on rendered drives: what they find is the truth of the scene."""

import json

import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import lists, snippets, trajectories
from monodepth2.src.sfm_utils.calibration import read_odometry_calibration, read_raw_calibration
from monodepth2.src.sfm_utils.footage import Footage
from monodepth2.src.sfm_utils.frame_selection import select_frames
from monodepth2.src.sfm_utils.intrinsics import intrinsics_of, read_intrinsics
from monodepth2.src.sfm_utils.kitti import KittiOdometry, KittiRaw, check_frames
from monodepth2.src.sfm_utils.rotations import inverse_pose, steps_of
from monodepth2.src.sfm_utils.trajectories import read_kitti_poses, read_tum
from monodepth2.src.sfm_utils.velodyne import velodyne_depth_map
from tests.synthetic.__main__ import main
from tests.synthetic.drives import drive
from tests.synthetic.kitti_drives import METRES
from tests.synthetic.kitti_rig import rig
from tests.synthetic.render import render
from tests.synthetic.writers_kitti import drive_seed

SEED, FRAMES, HEIGHT = 5, 12, 75
SIZES = ["--frames", str(FRAMES), "--height", str(HEIGHT), "--workers", "1", "--seed", str(SEED)]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """One drive of KITTI raw."""
    out = tmp_path_factory.mktemp("raw") / "kitti"
    main(["kitti_drives", str(out), *SIZES, "--drives", "1", "--test", "0", "--laser", "240"])
    return out


@pytest.fixture(scope="module")
def odometry(tmp_path_factory):
    """One sequence of KITTI odometry."""
    out = tmp_path_factory.mktemp("odometry") / "kitti"
    main(["kitti_odom", str(out), *SIZES, "--sequences", "1", "--test", "0"])
    return out


def test_every_frame_of_the_lists_is_complete(raw):
    tree, frames = KittiRaw(raw, ".png"), []
    for name in ("train_files.txt", "val_files.txt"):
        frames += lists.read_split(raw / "splits" / "synthetic" / name)
    assert len(frames) == 2 * (FRAMES - 2)
    assert check_frames(tree, frames, offsets=(-1, 1), stereo=True) == frames
    with pytest.raises(InputError, match=r"its neighbour \+2, .*, is missing"):
        check_frames(tree, frames, offsets=(-2, 2))


@pytest.mark.parametrize("camera", [2, 3])
def test_a_laser_scan_lies_on_what_the_camera_sees(raw, camera):
    (frame, *_) = lists.read_split(raw / "splits" / "synthetic" / "train_files.txt")
    tree = KittiRaw(raw, ".png")
    calibration = read_raw_calibration(tree.calibration(frame))
    depth = velodyne_depth_map(calibration, tree.velodyne(frame), camera)
    scene, ego = drive(drive_seed(SEED, 0), METRES * FRAMES)
    date = frame.folder.split("/")[0]
    view = rig(date, HEIGHT).camera(camera, ego.pose(frame.index))
    true = render(scene, view, time=frame.index).depth
    assert depth.shape == true.shape
    # The devkit's pixel is one to the left and above: compare with the nearest depth around.
    rows, columns = np.nonzero(depth[:-1, :-1])
    around = np.stack([true[rows + i, columns + j] for i in (0, 1) for j in (0, 1)])
    off = np.abs(around / depth[rows, columns] - 1).min(0)
    assert len(rows) > 500 and np.median(off) < 0.01 and np.mean(off < 0.05) > 0.9
    height, width = true.shape
    found = intrinsics_of(calibration.projections[camera], height, width).matrix
    np.testing.assert_allclose(found, view.K, rtol=1e-5)
    other = view.K @ [1, 0, 0]
    shift = calibration.projections[2][:, 3] - calibration.projections[3][:, 3]
    np.testing.assert_allclose(shift / other[0], [calibration.baseline, 0, 0], atol=1e-4)


def test_poses_calibration_and_images_of_a_sequence(odometry):
    tree = KittiOdometry(odometry)
    frames = lists.read_split(odometry / "splits" / "odom" / "train_files.txt")
    assert check_frames(tree, frames, offsets=(-1, 1), stereo=True) == frames
    poses = read_kitti_poses(tree.poses(frames[0].folder), FRAMES)
    np.testing.assert_allclose(poses[0], np.eye(4), atol=1e-6)
    times = trajectories.read_times(tree.sequence(0) / "times.txt", FRAMES)
    assert np.diff(times) == pytest.approx(0.1036, abs=1e-3)
    found = read_odometry_calibration(tree.sequence(0) / "calib.txt")
    assert set(found) == {"P0", "P1", "P2", "P3", "Tr"} and found["P2"][0, 0] > 0


def test_true_steps_give_the_true_path_and_other_ones_do_not(odometry):
    """The chain of true relative poses has no error; standing still and a wrong turn have one."""
    poses = read_kitti_poses(odometry / "poses" / "00.txt", FRAMES)
    next_from_this = inverse_pose(steps_of(poses))
    score = trajectories.score_trajectory(poses, trajectories.chain_poses(next_from_this))
    assert score.ate_rmse < 1e-4 and score.rotation_degrees < 1e-3
    wrong = trajectories.score_trajectory(poses, trajectories.chain_poses(steps_of(poses)))
    assert wrong.rotation_degrees > 10 * score.rotation_degrees + 1e-3
    assert snippets.evaluate_monodepth2_snippets(poses, next_from_this).mean < 1e-5
    still = np.tile(np.eye(4), (FRAMES, 1, 1))
    assert trajectories.score_trajectory(poses, still).ate_rmse > 0.5


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_own_footage(tmp_path, kind):
    options = ["--videos", "1", "--frames", "8", "--height", "64", "--width", "192"]
    main(["footage", str(tmp_path / "own"), *options, "--seed", "2", "--workers", "1"])
    own = tmp_path / "own"
    camera = read_intrinsics(own / "intrinsics.json")
    assert vars(camera) == json.loads((own / "intrinsics.json").read_text())
    path = own / ("drive_0" if kind == "folder" else "drive_0.mp4")
    footage = Footage(path, camera)
    assert footage.size == (64, 192)
    frames = list(footage.frames())
    assert len(frames) == 8
    # The car is made to stand for three frames: they are left out, wherever they come from.
    stood = frames[:4] + [frames[3]] * 3 + frames[4:]
    moving, selection = select_frames(frames), select_frames(stood)
    assert selection.static == moving.static + 3 and len(selection.kept) == len(moving.kept)
    truth = read_tum(own / "truth" / "drive_0_tum.txt")
    assert len(truth) == 8
    poses = read_kitti_poses(own / "truth" / "drive_0_kitti.txt", 8)
    np.testing.assert_allclose(truth.world_from_camera, poses, atol=1e-5)
