"""infer.py, demo.py and export.py as users run them, with the goldens' weights."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from monodepth2.src.sfm_utils.trajectories import read_tum
from monodepth2.src.transforms import network_input
from tests.monodepth2.golden_networks import arrays

SIGMOID = 2e-5  # tolerance of the goldens


@pytest.fixture(scope="module")
def golden():
    """The two images of the goldens, (H, W, 3), and their scaled disparities (1, h, w)."""
    images = arrays("inputs.npz")["color_aug_0_0"].transpose(0, 2, 3, 1)
    return images, 0.01 + 9.99 * arrays("depth.npz")["r18_eval_disp0"]


@pytest.fixture(scope="module")
def run(warm_monodepth2):
    """Runs a program of the copied model folder to its end."""
    return warm_monodepth2.run


@pytest.fixture
def folder(golden, tmp_path):
    """The images as files, and one that is no image."""
    for name, image in zip("ab", golden[0]):
        Image.fromarray(np.ascontiguousarray(image)).save(tmp_path / f"{name}.png")
    (tmp_path / "notes.txt").write_text("no image")
    return tmp_path


@pytest.mark.slow
def test_demo_of_a_folder_gives_the_golden_disparities(run, golden_folder, golden, folder):
    flags = ["--image_path", folder, "--load_weights_folder", golden_folder, "--ext", "png"]
    out, _ = run("demo.py", *flags, "--no_cuda")
    assert f"-> Loading model from  {golden_folder}\n" in out
    assert "-> Predicting on 2 test images\n" in out and out.endswith("-> Done!\n")
    for name, expected in zip("ab", golden[1]):
        found = np.load(folder / f"{name}_disp.npy")
        np.testing.assert_allclose(found, expected[None], rtol=0, atol=10 * SIGMOID)
        assert Image.open(folder / f"{name}_disp.jpeg").size == (160, 96)
    assert len(list(folder.iterdir())) == 7


@pytest.mark.slow
def test_metric_depth_of_an_image_by_the_model_s_name(
    warm_monodepth2, run, golden_folder, golden, folder
):
    model = warm_monodepth2.folder / "models" / "mono+stereo_96x160"
    shutil.copytree(golden_folder, model)
    flags = ["--image_path", folder / "a.png", "--model_name", model.name, "--pred_metric_depth"]
    out, _ = run("demo.py", *flags)
    shutil.rmtree(model)
    assert "scale: 5.4 metres per unit of depth, from the training" in out
    assert "-> Predicting on 1 test images" in out and "Warning" not in out
    depth = np.load(folder / "a_depth.npy")
    np.testing.assert_allclose(depth, 5.4 / golden[1][0][None], rtol=1e-3)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["a.png", "a_depth.npy", "a_disp.jpeg", "b.png", "notes.txt"]


@pytest.mark.slow
def test_a_video_s_depth_points_and_path_in_metres(run, golden_folder, footage, tmp_path):
    flags = ["--image_path", footage / "drive_0.mp4", "--load_weights_folder", golden_folder]
    flags += ["--output_path", tmp_path, "--formats", "color", "ply", "tum", "png"]
    flags += ["--gps", footage / "truth" / "drive_0_tum.txt", "--infer_batch_size", 4]
    out, _ = run("infer.py", *flags)
    scale = float(out.split("scale: ")[1].split()[0])
    assert "metres per unit of depth, from gps" in out
    assert (tmp_path / "drive_0_color.mp4").stat().st_size > 1000
    assert len(list((tmp_path / "drive_0").glob("*.ply"))) == 14
    found = read_tum(tmp_path / "drive_0" / "trajectory.txt").world_from_camera[:, :3, 3]
    truth = read_tum(footage / "truth" / "drive_0_tum.txt").world_from_camera[:, :3, 3]
    way, expected = (np.linalg.norm(np.diff(one, axis=0), axis=1).sum() for one in (found, truth))
    assert len(found) == 14 and 0.3 < way / expected < 3 and scale > 5.4


@pytest.mark.slow
def test_onnx_computes_what_the_network_does(run, golden_folder, golden, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    flags = ["--load_weights_folder", golden_folder, "--export_path", tmp_path, "--batch", 2]
    run("export.py", *flags, "--file_format", "ONNX")
    images = np.stack([network_input(image, 96, 160) for image in golden[0]])
    after = arrays("inputs.npz")["color_aug_p1_0"]
    given = {"image": np.float32(images) / 255, "after": np.float32(after) / 255}

    def outputs(name):
        session = onnxruntime.InferenceSession(tmp_path / f"{name}.onnx")
        return session.run(None, {port.name: given[port.name] for port in session.get_inputs()})[0]

    np.testing.assert_allclose(outputs("depth"), golden[1], rtol=0, atol=10 * SIGMOID)
    expected = arrays("pose.npz")["sep_r18_eval_p1_translation"][:, 0, 0]
    np.testing.assert_allclose(outputs("pose")[:, 0, 3:], expected, rtol=0, atol=1e-6)
    for name in ("depth", "pose"):
        sidecar = json.loads((tmp_path / f"{name}.json").read_text())
        assert sidecar["inputs"][0]["shape"] == [2, 3, 96, 160]
        assert sidecar["outputs"][0]["metric_scale"] == 5.4


@pytest.mark.slow
def test_a_graph_of_depth_alone_is_compared_with_its_network(run, golden_folder, tmp_path):
    for name in ("encoder", "depth"):
        shutil.copy(golden_folder / f"{name}.ckpt", tmp_path)
    flags = ["--load_weights_folder", tmp_path, "--export_path", tmp_path / "MindIR"]
    out, _ = run("export.py", *flags)
    assert "input 1x3x96x160" in out
    assert float(out.split("loaded back: maximum difference ")[1].split()[0]) < 1e-3
    names = sorted(path.name for path in (tmp_path / "MindIR").iterdir())
    assert names == ["depth.json", "depth.mindir"]


def test_mistakes_are_one_line(warm_monodepth2, golden_folder, folder, tmp_path):
    def refuse(script, *flags):
        return warm_monodepth2.refuse(script, *flags)

    weights = ["--load_weights_folder", golden_folder]
    image = ["--image_path", folder / "a.png"]
    nowhere = refuse("demo.py", "--image_path", folder / "none.png", *weights)
    assert "none.png does not exist; give a file, a folder, a glob or a video" in nowhere
    assert "no image *.jpg" in refuse("infer.py", "--image_path", folder, "--ext", "jpg", *weights)
    assert "model_name mdp: neither models/mdp nor logs/mdp" in refuse("demo.py", *image)
    assert "Cannot find folder none" in refuse("export.py", "--load_weights_folder", "none")
    assert "add --output_path" in refuse("infer.py", *image, *weights, "--formats", "ply")
    into = ["--output_path", tmp_path / "out"]
    unknown = refuse("infer.py", *image, *weights, *into, "--formats", "ply")
    assert "its camera is not known; give --intrinsics" in unknown
    both = refuse("infer.py", *image, *weights, "--scale", 2, "--camera_height", 1.6)
    assert "scale and camera_height: each gives a scale" in both
    assert "AIR needs an Ascend" in refuse("export.py", *weights, "--file_format", "AIR")
    assert "depth.json does not exist" in refuse("preprocess.py", "--data_path", folder)
    assert "depth.json does not exist" in refuse("postprocess.py")
    assert not (tmp_path / "out").exists()
