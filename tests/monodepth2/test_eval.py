"""eval.py and evaluate_depth.py as users run them, with the goldens' weights on rendered data."""

import csv
import json
import re

import cv2
import numpy as np
import pytest

from monodepth2.src.model_utils.checkpoint import save_networks
from monodepth2.src.sfm_utils.eigen import SPLITS
from monodepth2.src.sfm_utils.trajectories import read_tum
from tests.monodepth2.weight_files import networks
from tests.reports import look_at, read_report

DRIVE = "2011_09_29/2011_09_29_drive_0003_sync"
# What the PyTorch original printed when it was run on these images with these weights.
MONO_PP = [0.430, 5.798, 15.112, 0.649, 0.281, 0.574, 0.757]
RATIOS = 50.806, 0.026
STEREO_BENCHMARK = [0.904, 18.809, 25.795, 2.649, 0, 0, 0]
ODOMETRY = 0.670, 0.175


@pytest.fixture(scope="module")
def run(warm_monodepth2):
    """Runs a program of the copied model folder to its end."""
    return warm_monodepth2.run


@pytest.fixture(scope="module")
def refuse(warm_monodepth2):
    """The one line with which a program refuses a command."""
    return warm_monodepth2.refuse


def write_lists(folder, frames):
    """Lists of eigen and, with frames 5 and 6 alone, of eigen_benchmark."""
    for split, numbers in zip(SPLITS, (frames, (5, 6))):
        (folder / split).mkdir(parents=True)
        text = "".join(f"{DRIVE} {number} l\n" for number in numbers)
        (folder / split / "test_files.txt").write_text(text)
    return folder


@pytest.fixture(scope="module")
def splits(kitti, run, tmp_path_factory):
    """Lists of the rendered test drive with their ground truth."""
    folder = write_lists(tmp_path_factory.mktemp("eval") / "splits", range(12))
    for split in SPLITS:
        run("export_gt_depth.py", "--data_path", kitti, "--split", split, "--split_dir", folder)
    return folder


@pytest.fixture
def flags(splits, kitti, golden_folder, tmp_path):
    """Of an evaluation whose results go to tmp_path."""
    places = ["--split_dir", splits, "--data_path", kitti, "--eval_out_dir", tmp_path]
    return [*places, "--load_weights_folder", golden_folder]


def row(out):
    """The seven numbers of the table."""
    (line,) = re.findall(r"^&.*\\\\$", out, re.M)
    return [float(value) for value in re.findall(r"\d+\.\d{3}", line)]


@pytest.mark.slow
def test_mono_with_post_processing_is_the_original_s_and_its_saved_file_too(run, flags, tmp_path):
    options = ["--eval_mono", "--post_process", "--eval_batch_size", 5, "--save_panels", 1]
    saved = ["--save_pred_disps", "--panels_path", tmp_path / "panels"]
    saved += ["--report", tmp_path / "report.html"]
    out, _ = run("evaluate_depth.py", *flags, *options, *saved)
    lines = out.splitlines()
    assert "-> Computing predictions with size 160x96" in lines
    assert "   Mono evaluation - using median scaling" in lines
    assert (
        "   abs_rel |   sq_rel |     rmse | rmse_log |       a1 |       a2 |       a3 | " in lines
    )
    (ratios,) = re.findall(r"^ Scaling ratios \| med: ([\d.]+) \| std: ([\d.]+)$", out, re.M)
    assert [float(value) for value in ratios] == pytest.approx(RATIOS, abs=5e-3)
    assert row(out) == pytest.approx(MONO_PP, abs=2e-3)
    with (tmp_path / "errors_eigen.csv").open() as file:
        errors = [float(line["abs_rel"]) for line in csv.DictReader(file)]
    means = json.loads((tmp_path / "metrics_eigen.json").read_text())
    assert len(errors) == 12 and np.mean(errors) == pytest.approx(means["abs_rel"])
    assert {path.name for path in (tmp_path / "panels").iterdir()} == {"worst1.png", "best1.png"}
    report = read_report(tmp_path / "report.html")
    assert report.network["abs_rel"] == pytest.approx(means["abs_rel"], abs=1e-4)
    assert report.columns == ["network", "mean map", "constant"] and report.clouds == 1
    # Both ends of 12 images: of each the image, the prediction, the truth and the error.
    assert report.images == 6 * 4 and DRIVE in report.text
    assert look_at(tmp_path / "report.html", tmp_path / "profile") == report.images
    file = tmp_path / "disps_eigen_split.npy"
    again, _ = run("evaluate_depth.py", *flags, "--eval_mono", "--ext_disp_to_eval", file)
    assert f"-> Loading predictions from {file}" in again and row(again) == row(out)
    part = ["--eval_split", "eigen_benchmark", "--eval_eigen_to_benchmark"]
    run("evaluate_depth.py", *flags, "--eval_mono", "--ext_disp_to_eval", file, *part)
    means = json.loads((tmp_path / "metrics_eigen_benchmark.json").read_text())
    assert means["images"] == 2


@pytest.mark.slow
def test_stereo_on_eigen_benchmark_is_the_original_s(run, flags):
    out, _ = run("evaluate_depth.py", *flags, "--eval_stereo", "--eval_split", "eigen_benchmark")
    assert "   Stereo evaluation - disabling median scaling, scaling by 5.4\n\n" in out
    assert "Scaling ratios" not in out and "Warning" not in out
    assert row(out) == pytest.approx(STEREO_BENCHMARK, abs=3e-3)


@pytest.mark.slow
def test_odometry_is_the_original_s_by_the_name_of_the_weights(
    run, warm_monodepth2, golden_folder, odometry, tmp_path
):
    (warm_monodepth2.folder / "models").mkdir(exist_ok=True)
    (warm_monodepth2.folder / "models" / "golden").symlink_to(golden_folder)
    flags = ["--data_path", odometry, "--eval_out_dir", tmp_path, "--model_name", "golden"]
    flags += ["--report", tmp_path / "report.html"]
    out, _ = run("eval.py", "--eval_split", "odom_9", *flags, "--eval_batch_size", 3)
    (found,) = re.findall(r"^   Trajectory error: (\S+), std: (\S+)$", out, re.M)
    assert [float(value) for value in found] == pytest.approx(ODOMETRY, abs=2e-3)
    assert f"-> Predictions saved to {tmp_path / 'poses.npy'}" in out
    assert len(read_tum(tmp_path / "odom_9_tum.txt")) == 8
    assert len((tmp_path / "errors_odom_9.csv").read_text().splitlines()) == 1 + 7
    assert cv2.imread(str(tmp_path / "odom_9.png")).shape == (640, 640, 3)
    report = read_report(tmp_path / "report.html")
    assert report.columns == ["network", "straight on"] and report.images == 1
    assert report.network["snippet_ate"] == pytest.approx(float(found[0]), abs=1e-3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder of weights of zeros, without poses, of a training on stereo pairs."""
    folder = tmp_path_factory.mktemp("weights") / "weights_0"
    size = {"height": 64, "width": 96, "num_layers": 18}
    made = networks("encoder", "depth")
    save_networks(made, folder, {**size, "use_stereo": True, "metric_scale": 2.5})
    return folder


@pytest.fixture
def given(splits, kitti, weights):
    """Flags without what a test gets wrong."""
    return {"split_dir": splits, "data_path": kitti, "load_weights_folder": weights}


CHOICE = "either --eval_mono or --eval_stereo"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("", CHOICE),
        ("--eval_mono --eval_stereo", CHOICE),
        ("--eval_mono --split_dir nowhere", "python export_gt_depth.py --data_path"),
        ("--eval_mono --data_path nowhere", f"12 of 12 images are missing, first nowhere/{DRIVE}"),
        ("--eval_mono --data_path nowhere", "unpack KITTI's 2011_09_29_drive_0003_sync.zip there"),
        ("--eval_mono --load_weights_folder nowhere", "Cannot find folder nowhere"),
        ("--eval_mono --eval_out_dir config.yaml/out", "cannot be written to; name a folder by --"),
        ("--eval_mono --ext_disp_to_eval none.npy", "none.npy is missing"),
        ("--eval_mono --eval_split benchmark", "unpack KITTI's data_depth_selection.zip there"),
        ("--eval_split odom_9", "09.txt is missing; unpack KITTI's data_odometry_poses.zip"),
        ("--eval_split eigen_zhou", "eval_split: got 'eigen_zhou'"),
        ("--dataset folder --data_path nowhere", "there is nothing to rebuild frames by"),
        ("--dataset folder --eval_mono --eval_stereo", "choose one of --eval_mono and"),
        ("--eval_mono --data_path nowhere --report no/a.html", "the folder no is missing; make it"),
        ("--eval_mono --no_eval --report a.html", "without ground truth nothing is scored"),
    ],
)
def test_mistakes_are_told_in_one_line(refuse, given, words, text):
    flags = words.split()
    for key, value in given.items():
        if f"--{key}" not in flags:
            flags += [f"--{key}", value]
    assert text in refuse("eval.py", *flags)


@pytest.mark.parametrize("script", ["eval.py", "evaluate_depth.py"])
def test_options_of_the_original_are_taken(refuse, given, script):
    """All are read before the missing images are noticed."""
    words = "--eval_stereo --png --num_layers 50 --min_depth 0.1 --max_depth 100 --num_workers 4"
    flags = [*words.split(), "--no_cuda", "--disable_median_scaling", "--log_dir", "logs"]
    flags += ["--load_weights_folder", given["load_weights_folder"], "--model_name", "mdp"]
    line = refuse(script, *flags, "--split_dir", given["split_dir"], "--data_path", "nowhere")
    assert "0000000000.png (or .jpg)" in line


def test_weights_of_odometry_need_poses_of_pairs(refuse, given, odometry):
    folder = ["--load_weights_folder", given["load_weights_folder"]]
    line = refuse("eval.py", "--eval_split", "odom_9", "--data_path", odometry, *folder)
    assert "holds no pose_encoder and pose of two images" in line


def test_a_list_of_odometry_is_refused(refuse, given, tmp_path):
    (tmp_path / "eigen").mkdir()
    (tmp_path / "eigen" / "test_files.txt").write_text("09 1 l\n")
    flags = ["--load_weights_folder", given["load_weights_folder"], "--eval_mono"]
    line = refuse("eval.py", *flags, "--split_dir", tmp_path, "--data_path", given["data_path"])
    assert "is a list of odometry" in line


def test_results_go_elsewhere_when_the_weights_folder_may_not_be_written(
    refuse, given, weights, tmp_path
):
    """A file in the way of one of the two stands for the folder without permission."""
    (tmp_path / "taken").write_text("a file")
    flags = [word for key, value in given.items() for word in (f"--{key}", value)]
    out = ["--eval_out_dir", tmp_path / "taken", "--metrics_json", tmp_path / "m.json"]
    line = refuse("eval.py", *flags, "--eval_mono", *out)
    assert f"{tmp_path / 'taken'} cannot be written to; name a folder by --csv_file" in line
    disparities = tmp_path / "d.npy"
    np.save(disparities, np.full((12, 4, 6), 0.5, np.float32))
    ours = ["--csv_file", tmp_path / "e.csv", "--ext_disp_to_eval", disparities]
    refuse("eval.py", *flags, "--eval_mono", *out, *ours, "--save_pred_disps")


def test_numbers_alone_do_not_need_the_weights_folder(run, given, tmp_path):
    (tmp_path / "taken").write_text("a file")
    np.save(tmp_path / "d.npy", np.full((12, 4, 6), 0.5, np.float32))
    flags = [word for key, value in given.items() for word in (f"--{key}", value)]
    flags += ["--eval_out_dir", tmp_path / "taken", "--metrics_json", tmp_path / "m.json"]
    flags += ["--csv_file", tmp_path / "e.csv", "--ext_disp_to_eval", tmp_path / "d.npy"]
    out, _ = run("eval.py", *flags, "--eval_mono")
    assert json.loads((tmp_path / "m.json").read_text())["abs_rel"] == pytest.approx(
        row(out)[0], abs=1e-3
    )
    assert (tmp_path / "e.csv").is_file() and (tmp_path / "taken").read_text() == "a file"
