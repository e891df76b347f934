"""GeoNet: the 310 program's depth, path and flow, and those of ONNX, are infer.py's.

The weights are written by the MindSpore that trains, exported by MindSpore 2.0.0, run by Lite 2.0.0
on CPU. Tolerances: float32 convolutions of two implementations, 80 layers deep, and a warp between.
"""

import json
import os
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from geonet.src.ascend310 import GraphSize, open_data, score_results
from geonet.src.prediction.predictors import pose_convention
from geonet.src.sfm_utils.flow_files import read_flo
from geonet.src.sfm_utils.intrinsics import read_intrinsics
from geonet.src.sfm_utils.results import enlarge_flow, write_tensors
from geonet.src.sfm_utils.trajectories import read_tum
from tests.ascend310_infer.conftest import ENVIRONMENT, REPOSITORY
from tests.geonet import golden_trees
from tests.geonet.golden_networks import save_filled
from tests.geonet.predicted import photo
from tests.synthetic.__main__ import main as render

pytestmark = pytest.mark.slow

SIZE = 64, 128  # height, width at the networks
DEPTH = 1e-4  # of depths between 0.1 and 1, relative
FLOW = 2e-4  # pixels, of flows of 2
POSE = 1e-6
GRAPHS = ("depth", "pose", "rigid_flow", "flow")


def _run(command, folder, **environment):
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHON": sys.executable, "DEVICE_TARGET": "CPU", **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of all networks, with the VGG encoder, of images of 64x128."""
    path = tmp_path_factory.mktemp("geonet") / "ckpt" / "model-7.ckpt"
    path.parent.mkdir()
    names = ["depth_net", "pose_net", "flow_net"]
    return save_filled(path, names, mode="train_flow", scale_normalize=True)


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """Five images of 96x72 and their camera: drive_0/, intrinsics.json."""
    out = tmp_path_factory.mktemp("drive")
    flags = "--videos 1 --frames 5 --height 72 --width 96"
    render(["footage", str(out), *flags.split()])
    return out


@pytest.fixture(scope="module")
def graphs(weights, program, export_python):
    """Folder with all graphs, .mindir and .json."""
    folder = weights.parent.parent / "MindIR"
    flags = ["--init_ckpt_file", weights, "--export_path", folder, "--device_target", "CPU"]
    _run([export_python, "export.py", *flags], program("geonet").folder)
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.{end}" for name in GRAPHS for end in ("json", "mindir")
    }
    return folder


@pytest.fixture(scope="module")
def predicted(program, weights, drive):
    """Folder of what infer.py makes of the drive, a sub-folder for each task."""
    folder = weights.parent.parent / "python"
    flags = ["--image_path", drive / "drive_0", "--init_ckpt_file", weights.parent]
    for task in ("depth", "pose", "flow"):
        out = ["--task", task, "--output_path", folder / task]
        program("geonet").run("infer.py", *flags, *out, "--device_target", "CPU")
    return folder


def test_depth_as_infer_py(infer, graphs, drive, predicted):
    infer("--mindir", graphs / "depth.mindir", "--input", drive / "drive_0", "--formats", "pfm,png")
    results = infer.folder / "result_Files"
    for number in range(5):
        got, expected = (
            cv2.imread(str(folder / f"{number:06d}.pfm"), -1)
            for folder in (results, predicted / "depth")
        )
        assert got.shape == (72, 96) and expected.max() / expected.min() > 2
        np.testing.assert_allclose(got, expected, rtol=DEPTH)
        stored = [
            cv2.imread(str(folder / f"{number:06d}.png"), -1).astype(int)
            for folder in (results, predicted / "depth")
        ]
        assert np.abs(np.subtract(*stored)).max() <= 1 < stored[0].max()


def test_the_path_as_infer_py(infer, graphs, drive, predicted):
    infer("--mindir", graphs / "pose.mindir", "--input", drive / "drive_0", "--formats", "tum")
    found, expected = (
        read_tum(folder / "trajectory.txt")
        for folder in (infer.folder / "result_Files", predicted / "pose")
    )
    assert found.times.tolist() == expected.times.tolist() == list(range(5))
    poses = found.world_from_camera, expected.world_from_camera
    assert np.abs(poses[1][-1, :3, 3]).max() > 1e-3, "a path that stands still proves nothing"
    np.testing.assert_allclose(*poses, rtol=0, atol=POSE)


def test_flow_as_infer_py(infer, graphs, drive, predicted):
    camera = ["--intrinsics", drive / "intrinsics.json"]
    flags = ["--input", drive / "drive_0", *camera, "--formats", "flo,png,color"]
    infer("--mindir", graphs / "flow.mindir", *flags)
    results, made = infer.folder / "result_Files", predicted / "flow"
    names = sorted(path.name for path in made.iterdir())
    assert sorted(path.name for path in results.iterdir()) == names and len(names) == 9
    for number in range(1, 4):
        got, expected = (read_flo(place / f"{number:06d}.flo") for place in (results, made))
        assert expected.shape == (72, 96, 2) and np.abs(expected).max() > 0.5
        np.testing.assert_allclose(got, expected, rtol=0, atol=FLOW)
        for kind in (".png", "_color.png"):
            stored = (
                cv2.imread(str(place / f"{number:06d}{kind}"), -1).astype(int)
                for place in (results, made)
            )
            assert np.abs(np.subtract(*stored)).max() <= 1, "one of 64 levels of a pixel"


def test_the_rigid_flow_is_that_of_depth_and_poses(infer, graphs, drive):
    camera = ["--intrinsics", drive / "intrinsics.json"]
    flags = ["--input", drive / "drive_0", *camera]
    infer("--mindir", graphs / "rigid_flow.mindir", *flags)
    infer("--mindir", graphs / "pose.mindir", *flags, "--output", "poses")
    for number in range(1, 4):  # depth of the images as the graph of flow sees them
        image = prepared(drive / "drive_0" / f"{number:06d}.jpg", Image.Resampling.BILINEAR)
        write_tensors(infer.folder / "bins", f"{number:06d}", {"image": image})
    infer("--mindir", graphs / "depth.mindir", "--input", "bins", "--output", "depths")
    K = read_intrinsics(drive / "intrinsics.json").resized(*SIZE).matrix
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].reshape(2, -1)
    pixels = np.stack([x, y, np.ones_like(x)])
    for number in range(1, 4):
        name = f"{number:06d}_0.bin"
        vectors = infer.result(name, (2, 6), "poses")
        after_from_image = pose_convention(3).matrices(vectors)[1]
        points = np.linalg.inv(K) @ pixels * infer.result(name, (1, pixels[0].size), "depths")
        seen = K @ (after_from_image[:3, :3] @ points + after_from_image[:3, 3:])
        expected = (seen[:2] / seen[2] - pixels[:2]).reshape(2, *SIZE)
        assert np.abs(expected).max() > 0.2
        got = infer.result(name, (2, *SIZE))
        np.testing.assert_allclose(got, expected, rtol=0, atol=FLOW)


def prepared(path, resampling):
    """An image as a graph sees it, (3, h, w)."""
    small = Image.open(path).resize(SIZE[::-1], resampling)
    return np.float32(small).transpose(2, 0, 1) * np.float32(2 / 255) - 1


def test_onnx_computes_what_infer_py_does(program, weights, drive, predicted):
    onnxruntime = pytest.importorskip("onnxruntime")
    folder = weights.parent.parent / "onnx"
    flags = ["--init_ckpt_file", weights, "--export_path", folder, "--file_format", "ONNX"]
    program("geonet").run("export.py", *flags)
    paths = [drive / "drive_0" / f"{number:06d}.jpg" for number in (1, 0, 2)]
    camera = read_intrinsics(drive / "intrinsics.json").resized(*SIZE).matrix
    given = {"K": np.float32(camera)[None], "inv_K": np.float32(np.linalg.inv(camera))[None]}
    found = {}
    for name in GRAPHS:
        resampling = Image.Resampling.LANCZOS if name == "depth" else Image.Resampling.BILINEAR
        for path, key in zip(paths, ("image", "source_0", "source_1")):
            given[key] = prepared(path, resampling)[None]
        session = onnxruntime.InferenceSession(folder / f"{name}.onnx")
        described = json.loads((folder / f"{name}.json").read_text())["inputs"]
        ports = [port.name for port in session.get_inputs()]
        assert ports == [port["name"] for port in described]
        (found[name],) = session.run(None, {port: given[port] for port in ports})
    depth = cv2.imread(str(predicted / "depth" / "000001.pfm"), -1)
    np.testing.assert_allclose(cv2.resize(found["depth"][0, 0], (96, 72)), depth, rtol=DEPTH)
    path = read_tum(predicted / "pose" / "trajectory.txt").world_from_camera
    before = pose_convention(3).matrices(found["pose"][0])[0]
    np.testing.assert_allclose(before, path[1], rtol=0, atol=POSE)
    flow = read_flo(predicted / "flow" / "000001.flo")
    np.testing.assert_allclose(enlarge_flow(found["flow"][0], 72, 96), flow, rtol=0, atol=FLOW)
    assert np.abs(found["rigid_flow"] - found["flow"]).max() > 0.1


def test_run_infer_310_geonet(build, program, weights, graphs, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(program("geonet").folder, models / "geonet")
    tree = golden_trees.write_eigen(tmp_path)
    lists, kitti = models / "geonet" / "splits", tree / "kitti"
    shutil.move(tree / "lists", lists)
    names = golden_trees.EXPECTED["depth_eigen"]["test_files"]
    for seed, name in enumerate(names):
        Image.fromarray(photo(seed, 60, 200)).save(kitti / name)
    script = REPOSITORY / "scripts" / "run_infer_310.sh"
    command = ["bash", script, "geonet", graphs / "depth.mindir", kitti]
    _run(command, tmp_path, ZOO_MODELS_DIR=str(models))

    results = tmp_path / "result_Files"
    found = {p.relative_to(results).as_posix() for p in results.rglob("*_0.bin")}
    assert found == {name.replace(".png", "_0.bin") for name in names}
    out = ["--mode", "test_depth", "--dataset_dir", kitti, "--output_dir", tmp_path / "python"]
    flags = ["--init_ckpt_file", weights, "--split_dir", lists, "--device_target", "CPU"]
    program("geonet").run("eval.py", *out, *flags)
    depths = np.load(tmp_path / "python" / "model-7.npy")
    for name, depth in zip(names, depths):
        got = np.fromfile(results / name.replace(".png", "_0.bin"), np.float32).reshape(SIZE)
        np.testing.assert_allclose(got, depth, rtol=DEPTH)
    expected = json.loads((tmp_path / "python" / "test_depth_metrics.json").read_text())
    scored = json.loads((tmp_path / "result_val.json").read_text())
    assert scored == pytest.approx(expected, rel=1e-3) and expected["abs_rel"] > 0
    assert "   abs_rel,     sq_rel," in (tmp_path / "acc.log").read_text()
    test = open_data(kitti, "eigen", lists, (1e-3, 80.0))
    score_results(test, results, GraphSize(*SIZE), tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == scored
    assert sorted(os.listdir(tmp_path / "time_Result")) == ["test_perform_static.txt"]
