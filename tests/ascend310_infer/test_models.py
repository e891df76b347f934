"""DepthNet and MiDaS: the 310 program's depth is infer.py's, and run_infer_310.sh's metrics hold.

The checkpoints are written by the MindSpore that trains, exported by MindSpore 2.0.0, run by
Lite 2.0.0 on CPU. Tolerances: three implementations of float32 convolutions, 25 layers deep.
"""

import json
import os
import re
import subprocess
import sys

import cv2
import mindspore as ms
import numpy as np
import pytest

from depthnet.src.model_utils.checkpoint import load_networks, save_networks
from depthnet.src.networks import CoarseNet, FineNet
from midas.src.networks import MidasNet
from tests.ascend310_infer.conftest import ENVIRONMENT, REPOSITORY, images_per_second, photo
from tests.golden_weights import det
from tests.synthetic.__main__ import main as render

pytestmark = pytest.mark.slow

RTOL_DEPTH = 2e-4  # metres; 2e-4 in log depth
RTOL_INVERSE = 2e-4  # of the map's largest value
SMALL_MIDAS = {"layers": [1, 1, 1, 1], "features": 16, "groups": 4, "width_per_group": 8}
MIDAS_SIZE = ["--img_width", "128", "--img_height", "96"]
MIDAS_FLAGS = [
    word for key, value in SMALL_MIDAS.items() for word in (f"--{key}", *map(str, np.ravel(value)))
]
KINDS = {"moving_mean": "mean", "moving_variance": "var", "gamma": "gamma", "beta": "beta"}


def _fill(net):
    """Deterministic weights of a size that keeps every layer's values of order one."""
    for parameter in net.get_parameters():
        last = parameter.name.rsplit(".", 1)[-1]
        kind = KINDS.get(last, "bias" if last == "bias" else "weight")
        parameter.set_data(ms.Tensor(det(parameter.name, parameter.shape, kind)))
    return net


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
def images(tmp_path_factory):
    """Photos of several sizes and formats, as users have them."""
    folder = tmp_path_factory.mktemp("images")
    for name, size in (("a.jpg", (480, 640)), ("b.png", (211, 317)), ("c.jpg", (640, 360))):
        cv2.imwrite(str(folder / name), photo(len(name) + size[0], *size))
    return folder


@pytest.fixture(scope="module")
def depthnet(tmp_path_factory, program, export_python):
    """Folder with FinalCoarseNet and FinalFineNet .ckpt, .mindir, .json, and DepthNet.mindir."""
    folder = tmp_path_factory.mktemp("depthnet")
    paths = folder / "FinalCoarseNet.ckpt", folder / "FinalFineNet.ckpt"
    for path, net in zip(paths, (CoarseNet(), FineNet())):
        save_networks({"network": _fill(net)}, path)
    checkpoints = ["--coarse_ckpt_model", paths[0], "--fine_ckpt_model", paths[1]]
    for kind in ("coarse", "fine", "both"):
        flags = ["--coarse_or_fine", kind, "--export_path", folder, "--device_target", "CPU"]
        command = [export_python, "export.py", *checkpoints, *flags]
        _run(command, program("depthnet").folder)
    return folder


@pytest.fixture(scope="module")
def midas(tmp_path_factory, program, export_python):
    """Folder with Midas.ckpt, midas.mindir and midas.json of a small network."""
    folder = tmp_path_factory.mktemp("midas")
    net = _fill(MidasNet(**SMALL_MIDAS))
    # The last ReLU would make nearly all of an untrained map 0.
    net.scratch.output_conv[4].bias.set_data(ms.Tensor(np.float32([10])))
    save_networks({"midas": net}, folder / "Midas.ckpt")
    flags = ["--model_weights", folder / "Midas.ckpt", "--export_path", folder, *MIDAS_SIZE]
    command = [export_python, "export.py", *flags, *MIDAS_FLAGS, "--device_target", "CPU"]
    _run(command, program("midas").folder)
    return folder


def _python_maps(program, model, images, folder, *flags):
    """infer.py's maps of the images, by stem."""
    where = ["--input_path", images, "--output_path", folder, "--formats", "pfm"]
    program(model).run("infer.py", *where, "--device_target", "CPU", *flags)
    return _maps(folder)


def _maps(folder):
    return {path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in folder.glob("*.pfm")}


@pytest.mark.parametrize("graphs", [["FinalCoarseNet", "FinalFineNet"], ["DepthNet"]])
def test_depthnet_as_infer_py(infer, program, depthnet, images, tmp_path, graphs):
    weights = [depthnet / f"{name}.ckpt" for name in ("FinalCoarseNet", "FinalFineNet")]
    expected = _python_maps(
        program, "depthnet", images, tmp_path / "python", "--model_weights", *weights
    )
    flags = ["--mindir", depthnet / f"{graphs[0]}.mindir"]
    if len(graphs) == 2:
        flags += ["--fine_mindir", depthnet / f"{graphs[1]}.mindir"]
    infer(*flags, "--input", images, "--formats", "bin,pfm")
    got = _maps(infer.folder / "result_Files")
    assert set(got) == set(expected) == {"a", "b", "c"}
    for name, depth in expected.items():
        assert depth.max() / depth.min() > 2, "a flat map would prove nothing"
        np.testing.assert_allclose(got[name], depth, rtol=RTOL_DEPTH, err_msg=name)


def test_midas_as_infer_py(infer, program, midas, images, tmp_path):
    flags = ["--model_weights", midas / "Midas.ckpt", *MIDAS_SIZE, *MIDAS_FLAGS]
    expected = _python_maps(program, "midas", images, tmp_path / "python", *flags)
    infer("--mindir", midas / "midas.mindir", "--input", images, "--formats", "bin,pfm")
    got = _maps(infer.folder / "result_Files")
    assert set(got) == set(expected) == {"a", "b", "c"}
    for name, inverse in expected.items():
        assert inverse.std() > 0.05 * inverse.max(), "a flat map would prove nothing"
        atol = RTOL_INVERSE * inverse.max()
        np.testing.assert_allclose(got[name], inverse, rtol=0, atol=atol, err_msg=name)


def test_run_infer_310_depthnet(build, program, depthnet, tmp_path):
    data = tmp_path / "NYU"
    render(["nyu", str(data), "--train", "1", "--test", "3", "--per_scene", "1", "--workers", "1"])
    graphs = [depthnet / f"{name}.mindir" for name in ("FinalCoarseNet", "FinalFineNet")]
    script = REPOSITORY / "scripts" / "run_infer_310.sh"
    command = ["bash", script, "depthnet", *graphs, data / "Test", "0", "--warmup", "1"]
    for _ in range(2):  # the second run finds the first one's files in its way
        _run(command, tmp_path)
    expected = {f"DepthNet_nyu_1_{i}_0.bin" for i in range(3)}
    assert set(os.listdir(tmp_path / "result_Files")) == expected
    assert len(list((tmp_path / "preprocess_Result" / "img_data").iterdir())) == 3
    times = (tmp_path / "time_Result" / "test_perform_static.txt").read_text()
    assert "of infer_count 3\n" in times and images_per_second(times) > 0
    got = dict(re.findall(r"(\w+):\s+([0-9.]+)", (tmp_path / "acc.log").read_text()))

    flags = ["--test_data", data, "--metrics_json", tmp_path / "eval.json"]
    flags += ["--coarse_ckpt_model", depthnet / "FinalCoarseNet.ckpt"]
    flags += ["--fine_ckpt_model", depthnet / "FinalFineNet.ckpt", "--device_target", "CPU"]
    program("depthnet").run("eval.py", *flags)
    average = json.loads((tmp_path / "eval.json").read_text())["average"]["fine"]
    assert len(got) == 7
    for name, value in average.items():
        if name in got and name != "rmse_log_loss":  # the original scores that one in two ways
            assert float(got[name]) == pytest.approx(value, rel=1e-3, abs=5e-4), name


@pytest.fixture(scope="module")
def midas_data(tmp_path_factory):
    """DATA_PATH as the original's script wants it: Kitti_raw_data/, Sintel/ and TUM/."""
    out = tmp_path_factory.mktemp("midas_data")
    size = ["--height", "60", "--width", "80", "--workers", "1"]
    render(["midas", str(out), "--train", "1", "--test", "2", *size])
    (out / "data" / "Sintel").symlink_to(out / "data" / "sintel" / "sintel-data")
    return out / "data"


@pytest.mark.parametrize("name", ["Kitti", "Sintel", "TUM"])
def test_run_infer_310_midas(build, midas, midas_data, tmp_path, name):
    script = REPOSITORY / "scripts" / "run_infer_310.sh"
    _run(["bash", script, "midas", midas / "midas.mindir", midas_data, name], tmp_path)
    bins = tmp_path / "preprocess_Result"
    stems = [path.relative_to(bins).with_suffix("") for path in sorted(bins.rglob("*.bin"))]
    assert len(stems) >= 2 and stems[0].parts[0] == name
    results = [tmp_path / "result_Files" / f"{stem}_0.bin" for stem in stems]
    assert sorted((tmp_path / "result_Files").rglob("*.bin")) == sorted(results)
    assert np.isfinite(json.loads((tmp_path / "result_val.json").read_text())[name])
    assert name in (tmp_path / "acc.log").read_text()
    image = np.fromfile(bins / f"{stems[0]}.bin", np.float32).reshape(1, 3, 96, 128)
    got = np.fromfile(results[0], np.float32).reshape(1, 96, 128)
    expected = _midas_in_python(midas, image)
    np.testing.assert_allclose(got, expected, rtol=0, atol=RTOL_INVERSE * expected.max())


def _midas_in_python(midas, image):
    net = MidasNet(**SMALL_MIDAS).set_train(False)
    load_networks({"midas": net}, midas / "Midas.ckpt")
    return net(ms.Tensor(image)).asnumpy()
