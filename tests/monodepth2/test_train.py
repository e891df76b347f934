"""Training as users run it: own footage from its file and four numbers, resuming, mistakes."""

import json
import shutil

import numpy as np
import pytest

from monodepth2.src.model_utils.checkpoint import read_parameters
from tests.monodepth2.weight_files import networks as zero_networks
from tests.synthetic.writers_footage import footage_camera

SMALL = ("--height", 64, "--width", 96, "--batch_size", 2, "--weights_init", "scratch")


@pytest.fixture
def lists(kitti, tmp_path):
    """Flags of a training on four frames of KITTI, two to validate with."""
    folder = tmp_path / "splits" / "few"
    shutil.copytree(kitti / "splits" / "synthetic", folder)
    for name, count in (("train", 4), ("val", 2)):
        path = folder / f"{name}_files.txt"
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:count]))
    return ["--data_path", kitti, "--split_dir", folder.parent, "--split", "few"]


@pytest.mark.slow
def test_a_training_resumes_to_the_same_bits(program, lists, tmp_path):
    """Stereo pairs with augmentation: two epochs at once, and one after the other."""
    flags = [*SMALL, *lists, "--frame_ids", 0, "--use_stereo", "--log_dir", tmp_path]
    run = program("monodepth2").run
    run("train.py", *flags, "--model_name", "once", "--num_epochs", 2)
    parts = ["--model_name", "parts", "--resume", "auto"]
    run("train.py", *flags, *parts, "--num_epochs", 1)
    out, _ = run("train.py", *flags, *parts, "--num_epochs", 2)
    assert "resumed monodepth2 at step 2" in out
    once, again = (
        read_parameters(tmp_path / name / "state_monodepth2.ckpt") for name in ("once", "parts")
    )
    assert set(once) == set(again) and any(name.startswith("moment1.depth") for name in once)
    for name, value in once.items():
        np.testing.assert_array_equal(value.asnumpy(), again[name].asnumpy(), err_msg=name)


@pytest.mark.slow
def test_a_video_and_four_numbers_are_enough(program, footage, tmp_path):
    """Trained, evaluated and predicted: nothing else is told of the camera."""
    fx, fy, cx, cy = footage_camera(64, 96)[[0, 1, 0, 1], [0, 1, 2, 2]].tolist()
    video = tmp_path / "clip.mp4"
    shutil.copyfile(footage / "drive_0.mp4", video)
    own = ["--dataset", "folder", "--data_path", video, "--intrinsics", fx, fy, cx, cy]
    run = program("monodepth2").run
    out, _ = run("train.py", *SMALL, *own, "--log_dir", tmp_path, "--num_epochs", 1)
    assert f"Using footage:\n   {video} (1 sequence)\n" in out
    assert "without motion left out; frame step" in out
    weights = ["--load_weights_folder", tmp_path / "mdp" / "models" / "weights_best"]
    truth = ["--gt_depth_path", footage / "truth" / "drive_0_depth"]
    out, _ = run("eval.py", *own, *weights, "--eval_out_dir", tmp_path / "eval", *truth)
    numbers = json.loads((tmp_path / "eval" / "metrics_folder.json").read_text())["clip.mp4"]
    assert numbers["frames"] >= 1 and 0 < numbers["abs_rel"] < 10
    assert 0 < numbers["error"] < 2 * numbers["error_unwarped"]
    assert (tmp_path / "eval" / "trajectory_clip.txt").is_file()
    run("infer.py", "--image_path", video, "--output_path", tmp_path / "out", *weights)
    assert len(list((tmp_path / "out" / "clip").glob("*.npy"))) == 14
    assert (tmp_path / "out" / "clip_color.mp4").is_file()


def refused(warm, *flags):
    return warm.refuse("train.py", *flags)


def test_mistakes_are_answered_before_anything_is_built(warm_monodepth2, lists, tmp_path):
    warm = warm_monodepth2
    few = lists[:4]
    log = ["--log_dir", tmp_path / "logs"]
    cases = {
        ("--height", 100): "height 100 is no multiple of 32; use 96",
        ("--frame_ids", 0): "add --use_stereo",
        ("--predictive_mask",): "add --disable_automasking",
        ("--pose_model_type", "posecnn", "--use_stereo"): "posecnn has no pose",
        ("--load_weights_folder", tmp_path / "none"): "Cannot find folder",
        ("--weights_init", tmp_path / "none"): "none does not exist",
        ("--batch_size", 8): "4 samples are fewer than batch_size 8",
        ("--dataset", "kitti_test"): "allowed: kitti, kitti_odom, kitti_depth, folder",
        ("--dataset", "kitti_odom"): "needs --dataset kitti",
        ("--use_sterio",): "did you mean use_stereo?",
    }
    for flags, text in cases.items():
        assert text in refused(warm, *lists, *log, *flags), flags
    assert "split eigen_zhou is not in" in refused(warm, *few, *log)
    assert not (tmp_path / "logs").exists()


def test_missing_neighbours_are_listed_before_training(warm_monodepth2, lists, tmp_path):
    path = tmp_path / "splits" / "few" / "train_files.txt"
    drive = path.read_text().split()[0]
    path.write_text(f"{drive} 3 l\n{drive} 11 l\n{drive} 0 l\n")
    line = refused(warm_monodepth2, *lists)
    assert f"2 of 3 frames of {path} are incomplete; first, line 2: its neighbour +1" in line
    line = refused(
        warm_monodepth2, *lists, "--frame_ids", 0, "--data_path", tmp_path, "--use_stereo"
    )
    assert "holds nothing; see where the data set is" in line


@pytest.mark.slow
def test_weights_that_do_not_fit_are_named(program, lists, tmp_path):
    from monodepth2.src.model_utils.checkpoint import save_networks

    found = zero_networks()
    del found["pose"]
    save_networks(found, tmp_path / "weights", {"height": 64, "width": 96, "num_layers": 18})
    refuse = program("monodepth2").refuse
    flags = [*SMALL, *lists, "--log_dir", tmp_path, "--load_weights_folder", tmp_path / "weights"]
    assert "lacks pose: it holds encoder depth pose_encoder" in refuse("train.py", *flags)
    line = refuse("train.py", *flags, "--num_layers", 50, "--models_to_load", "encoder")
    assert "--num_layers 18" in line


def test_intrinsics_that_do_not_fit_are_refused(warm_monodepth2, footage, tmp_path):
    video = tmp_path / "clip.mp4"
    shutil.copyfile(footage / "drive_0.mp4", video)
    own = [*SMALL, "--dataset", "folder", "--data_path", video, "--log_dir", tmp_path]
    line = refused(warm_monodepth2, *own)
    assert "clip.mp4" in line and "intrinsics" in line
    line = refused(warm_monodepth2, *own, "--intrinsics", 72, 72, 50, 30, 640, 480)
    assert "the images are 96x64, but the intrinsics hold for 640x480" in line
    line = refused(warm_monodepth2, *own, "--intrinsics", 72, 72)
    assert "expected fx fy cx cy" in line
