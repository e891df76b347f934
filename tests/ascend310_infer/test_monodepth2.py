"""Monodepth2: the 310 program's depth and path are infer.py's, and run_infer_310.sh's metrics hold.

The weights are written by the MindSpore that trains, exported by MindSpore 2.0.0, run by Lite 2.0.0
on CPU. Tolerances: float32 convolutions of two implementations, 40 layers deep.
"""

import json
import os
import shutil
import subprocess
import sys

import cv2
import mindspore as ms
import numpy as np
import pytest

from monodepth2.src.ascend310 import graph_facts, open_test_set, score_results
from monodepth2.src.model_utils.device import Device
from monodepth2.src.prediction import disparity_cell
from monodepth2.src.sfm_utils.trajectories import read_tum
from monodepth2.src.weights import read_folder_record
from tests.ascend310_infer.conftest import ENVIRONMENT, REPOSITORY
from tests.monodepth2.predicted import golden_weights
from tests.synthetic.__main__ import main as render

pytestmark = pytest.mark.slow

ATOL = 2e-4  # of disparities between 0.01 and 10
DRIVE = "2011_09_28/2011_09_28_drive_0002_sync"
FRAMES = (3, 2, 7)


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
    """Metric weights of images of 64x96."""
    return golden_weights(tmp_path_factory.mktemp("monodepth2") / "weights_0", 64, 96)


@pytest.fixture(scope="module")
def graphs(weights, program, export_python):
    """Folder with depth and pose, .mindir and .json."""
    folder = weights.parent / "MindIR"
    flags = ["--load_weights_folder", weights, "--export_path", folder, "--device_target", "CPU"]
    _run([export_python, "export.py", *flags], program("monodepth2").folder)
    return folder


@pytest.fixture(scope="module")
def kitti(tmp_path_factory):
    """KITTI raw with a drive whose images are larger than the network's, not by whole numbers."""
    out = tmp_path_factory.mktemp("kitti")
    flags = "--drives 1 --test 1 --frames 10 --height 75 --laser 120 --images png --workers 1"
    render(["kitti_drives", str(out), *flags.split()])
    return out


@pytest.fixture(scope="module")
def predicted(program, weights, kitti):
    """Folder of what infer.py makes of the drive."""
    folder = weights.parent / "python"
    flags = ["--image_path", kitti / DRIVE / "image_02" / "data", "--output_path", folder]
    flags += ["--load_weights_folder", weights, "--formats", "pfm", "png", "tum"]
    program("monodepth2").run("infer.py", *flags, "--device_target", "CPU")
    return folder


def test_depth_as_infer_py(infer, graphs, kitti, predicted):
    images = kitti / DRIVE / "image_02" / "data"
    infer("--mindir", graphs / "depth.mindir", "--input", images, "--formats", "bin,pfm,png")
    results = infer.folder / "result_Files"
    for number in range(10):
        name = f"{number:010d}"
        got, expected = (
            cv2.imread(str(folder / f"{name}.pfm"), cv2.IMREAD_UNCHANGED)
            for folder in (results, predicted)
        )
        assert expected.max() / expected.min() > 2, "a flat map would prove nothing"
        np.testing.assert_allclose(got, expected, rtol=0, atol=ATOL, err_msg=name)
        metres = [
            cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_UNCHANGED).astype(float)
            for folder in (results, predicted)
        ]
        np.testing.assert_allclose(*metres, rtol=1e-3, atol=2)
        np.testing.assert_allclose(metres[1], 5400 / expected, atol=1)


def test_the_path_as_infer_py(infer, graphs, kitti, predicted):
    images = kitti / DRIVE / "image_02" / "data"
    infer("--mindir", graphs / "pose.mindir", "--input", images, "--formats", "tum")
    found, expected = (
        read_tum(folder / "trajectory.txt") for folder in (infer.folder / "result_Files", predicted)
    )
    assert found.times.tolist() == expected.times.tolist() == list(range(10))
    poses = found.world_from_camera, expected.world_from_camera
    assert np.abs(poses[1][-1, :3, 3]).max() > 1e-3, "a path that stands still proves nothing"
    np.testing.assert_allclose(*poses, rtol=0, atol=1e-6)


def test_run_infer_310_monodepth2(build, program, weights, graphs, kitti, tmp_path):
    models = tmp_path / "models"
    shutil.copytree(program("monodepth2").folder, models / "monodepth2")
    splits = models / "monodepth2" / "splits"
    (splits / "eigen").mkdir(parents=True)
    lines = "".join(f"{DRIVE} {number} l\n" for number in FRAMES)
    (splits / "eigen" / "test_files.txt").write_text(lines)
    export = ["export_gt_depth.py", "--data_path", kitti, "--split", "eigen"]
    _run([sys.executable, *export], models / "monodepth2")
    script = REPOSITORY / "scripts" / "run_infer_310.sh"
    command = ["bash", script, "monodepth2", graphs / "depth.mindir", kitti]
    _run(command, tmp_path, ZOO_MODELS_DIR=str(models))

    results = tmp_path / "result_Files"
    assert sorted(os.listdir(results / DRIVE)) == [f"{n:010d}_0.bin" for n in sorted(FRAMES)]
    cell = disparity_cell(weights, read_folder_record(weights), "O0", Device("CPU"))
    for number in FRAMES:
        name = f"{DRIVE}/{number:010d}"
        image = np.fromfile(tmp_path / "preprocess_Result" / f"{name}.bin", np.float32)
        expected = cell(ms.Tensor(image.reshape(1, 3, 64, 96))).asnumpy()
        got = np.fromfile(results / f"{name}_0.bin", np.float32).reshape(1, 1, 64, 96)
        np.testing.assert_allclose(got, expected, rtol=0, atol=ATOL)
        expected.tofile(tmp_path / f"{number}.bin")
        shutil.copy(tmp_path / f"{number}.bin", results / f"{name}_0.bin")
    facts, test = graph_facts(graphs / "depth.mindir"), open_test_set("eigen", splits, kitti, True)
    score_results(test, results, facts, tmp_path / "expected.json")
    expected = json.loads((tmp_path / "expected.json").read_text())
    scored = json.loads((tmp_path / "result_val.json").read_text())
    assert scored == pytest.approx(expected, rel=1e-3) and expected["abs_rel"] > 0
    log = (tmp_path / "acc.log").read_text()
    assert "disabling median scaling, scaling by 5.4" in log and " abs_rel | " in log
