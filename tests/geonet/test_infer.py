"""infer.py and export.py as users run them, with the goldens' weights; flow is in
tests/ascend310_infer/test_geonet.py, beside the 310 program's."""

import json

import numpy as np
import pytest
from PIL import Image

from geonet.src.prediction.predictors import pose_convention
from geonet.src.sfm_utils.trajectories import read_kitti_poses, read_tum
from tests.geonet.golden_networks import GOLDEN, arrays, save_filled
from tests.geonet.small_networks import save_small

NETS, SEQUENCES = arrays("nets.npz"), arrays("train_inputs.npz")


@pytest.fixture(scope="module")
def rigid(tmp_path_factory):
    """Folder of weights of train_rigid with the VGG encoder."""
    folder = tmp_path_factory.mktemp("rigid")
    save_filled(folder / "model-7.ckpt", ["depth_net", "pose_net"])
    return folder


@pytest.fixture
def drive(tmp_path):
    """The frames of the goldens' first sample in the order of time, and the path that they show:
    (folder, world_from_camera)."""
    folder = tmp_path / "drive"
    folder.mkdir()
    for number, first in enumerate((3, 0, 6)):  # the target is stored first
        image = SEQUENCES["seq"][0][..., first : first + 3]
        Image.fromarray(image).save(folder / f"{number}.png")
    before, after = pose_convention(3).matrices(NETS["pose_infer"][0])
    world_from_camera = [np.eye(4), before, before @ np.linalg.inv(after)]
    return folder, np.stack(world_from_camera)


@pytest.mark.slow
def test_the_golden_depths_of_a_folder_with_a_broken_image(warm, rigid, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name, image in zip("ac", NETS["img"]):
        Image.fromarray(image).save(folder / f"{name}.png")
    (folder / "0.png").write_bytes(b"broken")
    flags = ["--image_path", folder, "--output_path", out, "--init_ckpt_file", rigid / "model-7"]
    assert "0.png: truncated, or not an image" in warm.refuse("infer.py", *flags)
    told, err = warm.run("infer.py", *flags, "--skip_bad_samples", "--scale", 2, "--ext", "png")
    assert "loading depth_net from " in told and "2 images in" in told and "1 left out" in told
    assert "left out: " in err and "0.png" in err
    kinds = ".npy", ".pfm", ".png", "_color.png"
    assert {path.name for path in out.iterdir()} == {f"{n}{kind}" for n in "ac" for kind in kinds}
    for name, disparity in zip("ac", NETS["disp_vgg_infer_s0_sub4"]):
        depth = np.load(out / f"{name}.npy")
        assert depth.shape == (64, 128)
        found = 2 / depth[2::4, 2::4, None]
        np.testing.assert_allclose(found, disparity, rtol=0, atol=5e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ours", "tensorflow"])
def test_the_golden_poses_as_a_path(warm, rigid, drive, tmp_path, kind):
    """Of ours the newest weights of checkpoint_dir; TensorFlow's know no size of the images."""
    folder, expected = drive
    flags = ["--image_path", folder, "--output_path", tmp_path / "out", "--task", "pose"]
    if kind == "ours":
        flags += ["--checkpoint_dir", rigid]
    else:
        flags += ["--init_ckpt_file", GOLDEN / "ckpt_pose" / "model-12345"]
        flags += ["--img_height", 64, "--img_width", 128]
    out, _ = warm.run("infer.py", *flags)
    assert "the path is known up to scale" in out
    path = read_tum(tmp_path / "out" / "trajectory.txt")
    assert path.times.tolist() == [0, 1, 2]
    np.testing.assert_allclose(path.world_from_camera, expected, rtol=0, atol=1e-7)
    assert np.abs(expected[2, :3, 3]).max() > 1e-3, "a path that stands still proves nothing"
    kitti = read_kitti_poses(tmp_path / "out" / "trajectory_kitti.txt", 3)
    np.testing.assert_allclose(kitti, expected, rtol=0, atol=1e-7)
    assert Image.open(tmp_path / "out" / "trajectory.png").size == (640, 640)


@pytest.mark.slow
def test_a_graph_is_compared_with_its_network(warm, tmp_path):
    save_filled(tmp_path / "model-7.ckpt", ["pose_net"])
    flags = ["--init_ckpt_file", tmp_path / "model-7.ckpt", "--export_path", tmp_path / "MindIR"]
    out, _ = warm.run("export.py", *flags, "--batch", 2)
    assert "model-7.ckpt has no networks for depth, rigid_flow, flow\n" in out
    assert "pose.json, input 2x3x64x128" in out
    assert float(out.split("loaded back: maximum difference ")[1].split()[0]) < 1e-6
    names = sorted(path.name for path in (tmp_path / "MindIR").iterdir())
    assert names == ["pose.json", "pose.mindir"]
    sidecar = json.loads((tmp_path / "MindIR" / "pose.json").read_text())
    assert sidecar["inputs"][2]["frame"] == 1


def test_mistakes_are_one_line(warm, drive, tmp_path):
    folder, _ = drive
    small = save_small(tmp_path / "model-7.ckpt", ["depth_net", "pose_net"])
    weights, images = ["--init_ckpt_file", small], ["--image_path", folder]
    into = ["--output_path", tmp_path / "out"]

    def refuse(script, *flags):
        return warm.refuse(script, *flags)

    nowhere = refuse("infer.py", "--image_path", folder / "none.png", *weights)
    assert "none.png does not exist; give a file, a folder, a glob or a video" in nowhere
    assert "no image *.jpg" in refuse("infer.py", *images, "--ext", "jpg", *weights)
    formats = refuse("infer.py", *images, *weights, "--task", "flow", "--formats", "ply")
    assert "formats ply: task flow writes flo, png, color, npy" in formats
    missing = refuse("infer.py", *images, *into, *weights, "--task", "flow")
    assert "holds depth_net and pose_net, but task flow needs flow_net; give weights of" in missing
    unknown = refuse("infer.py", *images, *into, *weights, "--formats", "ply")
    assert "its camera is not known; give --intrinsics" in unknown
    one = ["--image_path", folder / "1.png", *into, *weights, "--task", "pose"]
    assert "no folder holds 3; give more images" in refuse("infer.py", *one)
    for script in ("infer.py", "export.py"):
        flags = images if script == "infer.py" else []
        assert "init_ckpt_file ckpt does not exist" in refuse(script, *flags)
    assert "AIR needs an Ascend" in refuse("export.py", *weights, "--file_format", "AIR")
    assert "depth.json does not exist" in refuse("preprocess.py", "--dataset_dir", folder)
    assert "depth.json does not exist" in refuse("postprocess.py")
    assert not (tmp_path / "out").exists()
