"""eval.py, preprocess.py and postprocess.py as users run them, with a small network."""

import csv
import json
import math
import shutil

import cv2
import numpy as np
import pytest

from midas.src.model_utils.device import Device
from midas.src.prediction import load_predict
from tests.midas.small import OPTIONS, SMALL
from tests.reports import look_at, read_report

FAST = [*SMALL, "--img_width", 64, "--img_height", 64, "--device_target", "CPU"]
NAMES = ["Sintel", "Kitti", "TUM", "DIW", "ETH3D", "NYU"]


def results(folder):
    with (folder / "val_per_image.csv").open() as file:
        return json.loads((folder / "val.json").read_text()), list(csv.DictReader(file))


def outputs(folder):
    return ["--ann_file", folder / "val.json", "--csv_file", folder / "val_per_image.csv"]


@pytest.fixture(scope="module")
def evaluated(program, midas_data, weights, tmp_path_factory):
    """(folder with the results, what was printed) of a run over all six datasets."""
    folder = tmp_path_factory.mktemp("evaluated")
    flags = [*FAST, "--train_data_dir", midas_data, "--ckpt_path", weights, *outputs(folder)]
    panels = ["--save_panels", 1, "--panels_path", folder / "panels"]
    panels += ["--report", folder / "report.html"]
    return folder, program("midas").run("eval.py", *flags, *panels)[0]


@pytest.mark.slow
def test_all_datasets(evaluated, tmp_path):
    folder, out = evaluated
    values, rows = results(folder)
    assert list(values) == NAMES and all(map(math.isfinite, values.values()))
    assert [sum(row["dataset"] == name for row in rows) for name in NAMES] == [4, 4, 4, 3, 4, 3]
    for name in NAMES:
        mine = [float(row["value"]) for row in rows if row["dataset"] == name]
        assert values[name] == pytest.approx(np.mean(mine))
        assert f"{name} " in out
    # 80 x 60 becomes 64 x 64 at the bound above, 96 x 64 at Kitti's bound below.
    shapes = {(row["network_height"], row["network_width"]) for row in rows}
    assert f"{len(shapes)} graphs were compiled" in out and len(shapes) == 2
    panels = sorted(path.name for path in (folder / "panels").iterdir())
    assert panels == sorted(f"{name}_{end}1.png" for name in NAMES for end in ("best", "worst"))
    assert cv2.imread(str(folder / "panels" / "TUM_best1.png")) is not None
    report = read_report(folder / "report.html")
    assert report.columns == ["network", "mean map", "constant"] and report.clouds == 1
    assert [name.split()[0] for name in report.rows] == NAMES
    assert list(report.network.values()) == pytest.approx(list(values.values()), abs=1e-2)
    assert report.rows["DIW WHDR"][1:] == ["–", "0.5000"]
    # At most two of each end; of each three maps and the error, of DIW's points two tiles.
    assert look_at(folder / "report.html", tmp_path) == report.images
    counts = [min(sum(row["dataset"] == name for row in rows), 4) for name in NAMES]
    assert report.images == sum(n * (2 if k == "DIW" else 4) for k, n in zip(NAMES, counts))


@pytest.mark.slow
def test_one_dataset_on_disk_by_the_original_protocol(
    program, evaluated, midas_data, weights, tmp_path
):
    """The others are skipped by name; 8 bits of depth and BGR give another number."""
    shutil.copytree(midas_data / "data" / "TUM", tmp_path / "data" / "TUM")
    flags = [*FAST, "--train_data_dir", tmp_path, "--ckpt_path", weights, *outputs(tmp_path)]
    protocol = ["--eval_protocol", "modelzoo", "--eval_batch_size", 3]
    out, _ = program("midas").run("eval.py", *flags, *protocol)
    values = results(tmp_path)[0]
    assert list(values) == ["TUM"] and out.count(": skipped, ") == 5
    assert values["TUM"] != pytest.approx(results(evaluated[0])[0]["TUM"], abs=0.1)
    error = program("midas").refuse("eval.py", *flags, "--data_name", "Kitti")
    assert "Kitti_raw_data is not there" in error and "--datapath_Kitti" in error


@pytest.mark.slow
def test_an_onnx_graph_scores_as_its_checkpoint(program, evaluated, midas_data, weights, tmp_path):
    pytest.importorskip("onnxruntime")
    program("midas").run(
        "export.py", *FAST, "--ckpt_path", weights, "--file_format", "ONNX",
        "--export_path", tmp_path,
    )  # fmt: skip
    flags = ["--train_data_dir", midas_data, "--onnx_file", tmp_path / "val.json"]
    flags += ["--csv_file", tmp_path / "val_per_image.csv", *FAST]
    program("midas").run("eval.py", *flags, "--TUM_onnx", tmp_path / "midas.onnx")
    values, expected = results(tmp_path)[0], results(evaluated[0])[0]
    assert values == {"TUM": pytest.approx(expected["TUM"], abs=0.1)}
    kitti = ["--data_name", "Kitti", "--Kitti_onnx", tmp_path / "midas.onnx"]
    error = program("midas").refuse("eval.py", *flags, *kitti)
    assert "midas.onnx takes [1, 3, 64, 64], got [1, 3, 64, 96]" in error


def test_mistakes_are_one_line(warm_midas, midas_data, weights, tmp_path):
    def refuse(*flags):
        return warm_midas.refuse("eval.py", *FAST, "--train_data_dir", midas_data, *flags)

    assert "data_name: got 'Cityscapes', allowed: all, Sintel" in refuse(
        "--data_name", "Cityscapes"
    )
    assert "none.ckpt does not exist" in refuse("--ckpt_path", tmp_path / "none.ckpt")
    both = refuse("--ckpt_path", tmp_path / "none.ckpt", "--report", tmp_path / "a.html" / "b.html")
    assert "a.html is missing; make it first" in both  # before the weights are looked for
    other = refuse("--ckpt_path", weights, "--features", 16)
    assert "is of another model" in other and "wrong shape" in other


def fake_310(folder, result, names, shape):
    """What the 310 program leaves for every prepared image: <name>_0.bin."""
    for path in sorted(folder.rglob("*.bin")):
        array = np.fromfile(path, np.float32)
        assert array.size == 3 * shape[0] * shape[1]
        target = result / path.relative_to(folder).with_name(f"{path.stem}_0.bin")
        target.parent.mkdir(parents=True, exist_ok=True)
        (3 + array.reshape(3, *shape)[0]).tofile(target)
        names.append(target.relative_to(result).as_posix())


@pytest.mark.parametrize("name", ["Kitti", "Sintel", "TUM"])
def test_the_310_path(warm_midas, midas_data, tmp_path, name):
    size = (64, 96)
    common = ["--dataset_path", midas_data / "data", "--dataset_name", name]
    common += ["--img_height", size[0], "--img_width", size[1]]
    run, names = warm_midas.run, []
    run("preprocess.py", *common, "--bin_path", tmp_path / "bins")
    fake_310(tmp_path / "bins", tmp_path / "result", names, size)
    assert len(names) >= 3 and all(n.startswith(f"{name}/") and n.count("/") == 2 for n in names)
    if name == "TUM":
        assert all(n.startswith("TUM/TUM/") for n in names)
    scores = ["--result_path", tmp_path / "result", "--result_file", tmp_path / "result_val.json"]
    out, _ = run("postprocess.py", *common, *scores)
    values = json.loads((tmp_path / "result_val.json").read_text())
    assert list(values) == [name] and values[name] > 0 and f"{name} " in out
    # One file gone, then one of another size.
    victim = tmp_path / "result" / names[-1]
    victim.write_bytes(victim.read_bytes()[:-4])
    error = warm_midas.refuse("postprocess.py", *common, *scores)
    assert f"{names[-1]} has 24572 bytes, expected 24576 (64x96 float32)" in error
    victim.unlink()
    error = warm_midas.refuse("postprocess.py", *common, *scores)
    assert f"{names[-1]} does not exist; run the 310 program" in error


@pytest.mark.slow
def test_the_310_path_scores_as_eval_does(program, midas_data, weights, tmp_path):
    """The network's own predictions as result files give the mean of eval.py's CSV.

    The images are 80 x 60; at 96 x 64 (aspect dropped) both paths see the same network input
    only when eval.py's rule ends at that size too, which keeps Sintel's here at 96 x 64.
    """
    size = ["--img_height", 64, "--img_width", 96]
    predict = load_predict(weights, "O0", Device("CPU"), **OPTIONS)
    common = ["--dataset_path", midas_data / "data", "--dataset_name", "Sintel", *size]
    program("midas").run("preprocess.py", *common, "--bin_path", tmp_path / "bins")
    for path in (tmp_path / "bins").rglob("*.bin"):
        image = np.fromfile(path, np.float32).reshape(1, 3, 64, 96)
        target = tmp_path / "result" / path.relative_to(tmp_path / "bins")
        target.parent.mkdir(parents=True, exist_ok=True)
        predict(image).tofile(target.with_name(f"{path.stem}_0.bin"))
    scores = ["--result_path", tmp_path / "result", "--result_file", tmp_path / "result_val.json"]
    program("midas").run("postprocess.py", *common, *scores)
    flags = [*SMALL, *size, "--device_target", "CPU", "--data_name", "Sintel"]
    flags += ["--train_data_dir", midas_data, "--ckpt_path", weights, *outputs(tmp_path)]
    program("midas").run("eval.py", *flags)
    values, rows = results(tmp_path)
    assert {(row["network_height"], row["network_width"]) for row in rows} == {("64", "96")}
    got = json.loads((tmp_path / "result_val.json").read_text())["Sintel"]
    assert got == pytest.approx(values["Sintel"], rel=1e-4)
