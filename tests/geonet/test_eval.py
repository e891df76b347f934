"""eval.py, geonet_main.py and kitti_eval/ as users run them: the goldens' files, rendered data."""

import csv
import json
import re
import shutil

import numpy as np
import pytest

from tests.geonet import golden_trees
from tests.geonet.golden_trees import EXPECTED
from tests.warm import WarmProgram


@pytest.fixture(scope="module")
def warm(program):
    """The model's folder, whose short runs are forks of a process that has imported MindSpore."""
    warm = WarmProgram(program("geonet").folder)
    yield warm
    warm.close()


@pytest.fixture(scope="module")
def run(warm):
    """Runs a program of the copied model folder to its end."""
    return warm.run


@pytest.fixture(scope="module")
def refuse(warm):
    """The one line with which a program refuses a command."""
    return warm.refuse


def read_csv(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def column(rows, key):
    return [float(row[key]) for row in rows]


def assert_printed(out, lines):
    """The lines stand in the output, one after the other."""
    text = "\n".join(lines)
    assert f"\n{text}\n" in out, out


def test_depth_of_the_eigen_split_is_the_original_s(run, tmp_path):
    folder = golden_trees.write_eigen(tmp_path)
    files = ["--kitti_dir", f"{folder}/kitti/", "--pred_file", folder / "pred.npy"]
    panels = ["--save_panels", 1, "--panels_path", tmp_path / "panels"]
    out, _ = run(
        "kitti_eval/eval_depth.py",
        "--split=eigen",
        *files,
        "--split_dir",
        folder / "lists",
        *panels,
    )
    assert_printed(out, EXPECTED["depth_eigen"]["printed"])
    assert f"evaluating {folder / 'pred.npy'}..." in out
    rows = read_csv(folder / "eval_depth_errors.csv")
    expected = golden_trees.arrays("depth_metrics_per_image")[0]
    keys = "abs_rel", "sq_rel", "rmse", "rmse_log", "a1", "a2", "a3"
    np.testing.assert_allclose([column(rows, key) for key in keys], expected, rtol=1e-5)
    assert rows[1]["frame"] == "2011_09_26/2011_09_26_drive_0002_sync 70"
    means = json.loads((folder / "eval_depth_metrics.json").read_text())
    assert means["images"] == 2 and means["a3"] == pytest.approx(expected[-1].mean(), rel=1e-5)
    assert {path.name for path in (tmp_path / "panels").iterdir()} == {"worst1.png", "best1.png"}


def test_depth_of_the_stereo_split_is_the_original_s_beside_a_scaled_d1(run, tmp_path):
    folder = golden_trees.write_stereo(tmp_path)
    files = ["--kitti_dir", folder / "kitti", "--pred_file", folder / "pred.npy"]
    out, _ = run("eval.py", "--mode=eval_depth", "--split=stereo", *files)
    assert_printed(out, EXPECTED["depth_stereo"]["printed"])
    means = json.loads((folder / "eval_depth_metrics.json").read_text())
    unscaled, scaled = means["d1_all_unscaled"], means["d1_all_scaled"]
    said = f"d1_all takes 1 / depth as disparity: {unscaled:.4f}; scaled by medians: {scaled:.4f}"
    assert said in out and scaled < unscaled == pytest.approx(98.8681, abs=1e-4)
    rows = read_csv(folder / "eval_depth_errors.csv")
    expected = golden_trees.arrays("stereo_metrics_per_image")[0]
    np.testing.assert_allclose(column(rows, "d1_all_unscaled"), expected[4], rtol=1e-5)
    np.testing.assert_allclose(column(rows, "rmse_log"), expected[3], rtol=1e-5)


@pytest.mark.parametrize(
    ("script", "length", "placed", "named"),
    [
        (["kitti_eval/eval_pose.py"], 3, "09_snippets/09", "09_snippets/"),
        (["eval.py", "--mode=eval_pose"], 5, "09_snippets", "09_snippets/09"),
    ],
)
def test_errors_of_snippets_are_the_original_s(run, tmp_path, script, length, placed, named):
    predicted = tmp_path / "pred"
    golden_trees.write_snippets(tmp_path / placed, predicted, length)
    (predicted / "notes.txt").write_text("no snippet\n")
    (predicted / "odom_09.png").write_bytes(b"a plot")
    out, _ = run(*script, f"--gtruth_dir={tmp_path}/{named}", f"--pred_dir={predicted}/")
    expected = EXPECTED["ate"][str(length)]
    assert_printed(out, [f"Predictions dir: {predicted}/", expected["printed"]])
    rows = {row["snippet"]: row["ate"] for row in read_csv(predicted / "eval_pose_errors.csv")}
    for name, ate in expected["per_file"].items():
        text = rows[name]
        assert text == "" if ate is None else float(text) == pytest.approx(ate, rel=1e-5), name
    assert rows.keys() == expected["per_file"].keys()
    means = json.loads((predicted / "eval_pose_metrics.json").read_text())
    assert means["ate_mean"] == pytest.approx(expected["mean"], rel=1e-5)
    assert means["ate_std"] == pytest.approx(expected["std"], rel=1e-5)


def test_errors_of_flow_are_the_original_s(run, tmp_path):
    folder = golden_trees.write_flow(tmp_path)
    shutil.copy(folder / "pred" / "png" / "000000.png", folder / "pred" / "png" / "000777.png")
    files = [f"--dataset_dir={folder}/kitti/", f"--pred_dir={folder}/pred/"]
    out, _ = run("kitti_eval/eval_flow.py", *files, "--output_dir", tmp_path / "numbers")
    assert_printed(out, EXPECTED["flow"]["printed"])
    assert (folder / "pred" / "flow_result.txt").read_text() == EXPECTED["flow"]["result_txt"]
    rows = read_csv(tmp_path / "numbers" / "eval_flow_errors.csv")
    found = [column(rows, key) for key in ("noc_epe", "noc_accuracy", "occ_epe", "occ_accuracy")]
    (expected,) = golden_trees.arrays("flow_metrics_noc_epe_noc_acc_occ_epe_occ_acc_f64")
    np.testing.assert_allclose(np.transpose(found), expected, rtol=1e-9)
    means = json.loads((tmp_path / "numbers" / "eval_flow_metrics.json").read_text())
    fl = 100 * (1 - expected[:, 3]).mean()
    assert means["images"] == 3 and means["occ_fl"] == pytest.approx(fl)
    assert re.search(rf"Fl: .* noc, {fl:.2f} % occ\n", out)
