"""The original's and the Paddle port's lines: each is parsed as it stands, and run.

A run adds flags of size and of steps only; paths in capitals are links in the folder that it runs
in, which is a copy of the model's.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from monodepth2.src.model_utils.checkpoint import read_parameters
from monodepth2.src.model_utils.files import read_record
from tests.conftest import REPOSITORY
from tests.monodepth2 import lines
from tests.monodepth2.weight_files import torch_entries
from tests.torch_files import save_torch
from tests.warm import WarmProgram

SMALL = "--height 64 --width 96 --batch_size 2 --num_epochs 1 --log_frequency 1 --monitor_steps 1"
SHIMS = {"evaluate_depth.py": "eval.py", "demo.py": "infer.py"}
PARSED = [line for pattern in lines.PATTERNS for line in lines.expanded(pattern)]


def test_a_grammar_stands_for_all_its_lines():
    assert lines.expanded("a {b|c} [d {e|f}] [g]") == [
        *("a b", "a b g", "a b d e", "a b d e g", "a b d f", "a b d f g"),
        *("a c", "a c g", "a c d e", "a c d e g", "a c d f", "a c d f g"),
    ]
    assert len(PARSED) == 6 + 2 + 24 + 2 + 2 + 16
    assert len(set(PARSED)) == len(PARSED)


def test_every_line_is_parsed_as_it_stands():
    """As the programs themselves do it; export_gt_depth.py has a parser of its own."""
    text = (
        "import json, sys; from src.model_utils.program import programs; "
        "from src.model_utils.config import load_config; readers = programs('.'); "
        "[load_config('config.yaml', words[1:], readers[words[0]], words[0]) "
        "for words in json.load(sys.stdin)]"
    )
    words = [line.split()[1:] for line in PARSED if "export_gt" not in line]
    words = [[SHIMS.get(script, script), *rest] for script, *rest in words]
    words += [[program, *options.split()] for program, options in lines.OPTIONS.items()]
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=REPOSITORY / "monodepth2",
        input=json.dumps(words),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ignored = {line for line in done.stdout.splitlines() if "has no effect" in line}
    assert ignored == {f"{name} is accepted and has no effect" for name in ("no_cuda", "num_gpus")}


@pytest.mark.parametrize(("shim", "program"), SHIMS.items())
def test_a_path_of_the_original_is_a_shim(shim, program):
    source = (REPOSITORY / "monodepth2" / shim).read_text()
    assert f'with_name("{program}")' in source and len(source.splitlines()) == 6


class Runs:
    """Runs lines in a copy of the model's folder, each training at most once."""

    def __init__(self, folder, kitti, odometry):
        self.program, self.folder, self.done = WarmProgram(folder), folder, {}
        _link(kitti, folder / "KITTI")
        (folder / "kitti_data").symlink_to("KITTI")
        _link(odometry, folder / "KITTI_ODOM", "sequences", "poses")
        for name in ("sequences/10", "poses/10.txt"):
            (folder / "KITTI_ODOM" / name).symlink_to(Path(name.replace("10", "09")).name)
        synthetic = kitti / "splits" / "synthetic"
        for split in ("eigen_zhou", "eigen_full"):
            self._lists(split, synthetic)
        self._lists("odom", odometry / "splits" / "odom")
        encoder = torch_entries(_resnet(), "encoder")
        flat = {name.removeprefix("encoder."): value for name, value in encoder.items()}
        save_torch(folder / "RESNET18.pth", flat)
        self._test_sets((synthetic / "test_files.txt").read_text().splitlines(keepends=True))

    def _test_sets(self, frames):
        """Two frames of each test set; the benchmark's images as its server gives them."""
        drive = frames[5].split()[0]
        for split in ("eigen", "eigen_benchmark"):
            (self.folder / "splits" / split).mkdir()
            path = self.folder / "splits" / split / "test_files.txt"
            path.write_text("".join(frames[5:7]))
        benchmark, image = self.folder / "splits" / "benchmark", self.folder / "KITTI" / "image"
        for made in (benchmark, image):
            made.mkdir()
        (benchmark / "test_files.txt").write_text("image 0\nimage 1\n")
        source = self.folder / "KITTI" / drive / "image_02" / "data"
        for number in range(2):
            name = f"{number:010d}.jpg"
            (image / name).symlink_to(source / name)
            (self.folder / "IMAGES").mkdir(exist_ok=True)
            shutil.copyfile(source / name, self.folder / "IMAGES" / name)
        shutil.copyfile(source / "0000000000.jpg", self.folder / "IMAGE")

    def _lists(self, split, source):
        target = self.folder / "splits" / split
        shutil.copytree(source, target)
        # Two steps of two samples, and one batch to validate with.
        for name, count in (("train", 4), ("val", 2)):
            path = target / f"{name}_files.txt"
            path.write_text("".join(path.read_text().splitlines(keepends=True)[:count]))

    def train(self, name, *flags):
        """What the line of a training printed."""
        if name not in self.done:
            for needed, start in (
                ("BEST", "mono+stereo_model_640x192"),
                ("weights_19", "mono_model"),
            ):
                if needed in lines.TRAIN[name]:
                    self.train(start)
                    self._link(needed, start)
            words = lines.TRAIN[name].split()[1:]
            self.done[name], _ = self.program.run(*words, *SMALL.split(), *flags, timeout=600)
        return self.done[name]

    def _link(self, needed, start):
        models = self.folder / "logs" / start / "models"
        if needed == "BEST":
            (self.folder / needed).symlink_to(models / "weights_best")
        else:
            (models / needed).symlink_to(models / "weights_0")

    def models(self, name):
        """The folder of a training's weights."""
        return self.folder / "logs" / name / "models"


def _link(source, target, *opened):
    """A folder of links to what is in another one; those in `opened` are folders of links again."""
    target.mkdir()
    for child in source.iterdir():
        if child.name in opened:
            _link(child, target / child.name)
        else:
            (target / child.name).symlink_to(child)


def _resnet():
    from monodepth2.src.networks import ResnetEncoder

    return ResnetEncoder(18)


@pytest.fixture(scope="module")
def runs(kitti, odometry, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lines") / "monodepth2"
    ignore = shutil.ignore_patterns("__pycache__", "logs")
    shutil.copytree(REPOSITORY / "monodepth2", folder, ignore=ignore)
    found = Runs(folder, kitti, odometry)
    yield found
    found.program.close()
    shutil.rmtree(folder)  # weights of six trainings, 5 GB


BATCH_LINE = re.compile(
    r"epoch +\d+ \| batch +\d+ \| examples/s: +\d+\.\d \| loss: \d+\.\d{5} "
    r"\| time elapsed: \d\dh\d\dm\d\ds \| time left: \d\dh\d\dm\d\ds",
    re.M,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", lines.TRAIN)
def test_a_line_trains(runs, name):
    out = runs.train(name)
    split = re.search(r"--split (\w+)", lines.TRAIN[name])
    assert f"Training model named:\n   {name}\n" in out
    log_dir = "logs" if "--log_dir" in lines.TRAIN[name] else "./logs"
    assert f"Models and tensorboard events files are saved to:\n   {log_dir}\n" in out
    assert f"Using split:\n   {split[1] if split else 'eigen_zhou'}\n" in out
    held_out = 1 if name == "mdp" else 2  # less than a batch
    assert f"There are 4 training items and {held_out} validation items\n" in out
    assert len(BATCH_LINE.findall(out)) == 2
    assert re.search(r"^In epoch 0, the validation loss is 0\.\d+\.$", out, re.M)
    saved = {"encoder", "depth", "pose_encoder", "pose", "adam"}
    saved -= {"pose_encoder", "pose"} if name == "stereo_model" else set()
    for folder in ("weights_0", "weights_best"):
        files = {path.name for path in (runs.models(name) / folder).iterdir()}
        assert files == {f"{network}.ckpt" for network in saved}


@pytest.mark.slow
def test_the_encoders_start_from_the_file_and_both_images_share_its_first_weights(runs):
    out = runs.train("mono+stereo_model_640x192")
    assert "loading weight from RESNET18.pth" in out and "Adam" not in out.split("Using split")[1]
    folder = runs.models("mono+stereo_model_640x192") / "weights_0"
    name = "encoder.conv1.weight"
    single = read_parameters(folder / "encoder.ckpt")[name].asnumpy()
    pair = read_parameters(folder / "pose_encoder.ckpt")[name].asnumpy()
    # Two steps of Adam at 1e-4 move a weight by 2e-4.
    np.testing.assert_allclose(pair, np.concatenate([single, single], 1) / 2, atol=5e-4)


@pytest.mark.slow
def test_weights_carry_what_predicts_with_them(runs):
    runs.train("mono+stereo_model_640x192")
    runs.train("mono_model")
    record = read_record(runs.models("mono+stereo_model_640x192") / "weights_0" / "encoder.ckpt")
    expected = {"height": 64, "width": 96, "use_stereo": True, "num_layers": 18}
    expected |= {"metric_scale": 5.4, "step": 2}
    assert {key: record[key] for key in expected} == expected
    record = read_record(runs.models("mono_model") / "weights_best" / "depth.ckpt")
    assert record["use_stereo"] is False and record["metric_scale"] is None
    assert 0 < record["val_loss"] < 1


@pytest.mark.slow
def test_fine_tuning_starts_from_the_best_weights_and_their_adam(runs):
    out = runs.train("mono+stereo_model_1024x320")
    assert "loading model from folder BEST\n" in out and "Loading Adam weights\n" in out
    for name in ("encoder", "depth", "pose_encoder", "pose"):
        assert f"Loading {name} weights...\n" in out
    options = json.loads((runs.models("mono+stereo_model_1024x320") / "opt.json").read_text())
    assert (
        options["learning_rate"] == 5e-5 and options["model_name"] == "mono+stereo_model_1024x320"
    )
    assert options["frame_ids"] == [0, -1, 1] and options["use_stereo"] is True


@pytest.mark.slow
def test_a_training_writes_its_numbers_curves_and_panels(runs):
    runs.train("mono+stereo_model_640x192")
    folder = runs.folder / "logs" / "mono+stereo_model_640x192"
    with (folder / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "1"]
    for name in ("loss", "loss/0", "loss/3", "masked", "val_batch_loss", "de/abs_rel", "da/a3"):
        assert all(np.isfinite(float(row[name])) for row in rows), name
    assert 0 < float(rows[0]["masked"]) < 1 and rows[-1]["val_loss"]
    assert (folder / "curves.png").is_file()
    assert len(list((folder / "panels").glob("*.png"))) == 2


@pytest.mark.slow
def test_a_saved_configuration_is_read_by_the_programs(runs):
    runs.train("stereo_model")
    saved = runs.models("stereo_model") / "opt.json"
    line = runs.program.refuse("train.py", "--config_path", saved, "--data_path", "nowhere")
    assert "nowhere" in line


@pytest.fixture(scope="module")
def evaluated(runs):
    """A function: what an evaluation's line printed, with the weights of the first training."""
    runs.train("mono+stereo_model_640x192")
    weights = runs.folder / "FOLDER"
    if not weights.exists():
        shutil.copytree(runs.models("mono+stereo_model_640x192") / "weights_best", weights)
        for split in ("eigen", "eigen_benchmark"):
            words = f"export_gt_depth.py --data_path KITTI --split {split}"
            out, _ = runs.program.run(*words.split())
            assert f"Exporting ground truth depths for {split}\nSaving to {split}\n" in out

    def run(name):
        if name == "file":
            run("saved")
            shutil.copyfile(weights / "disps_eigen_split.npy", runs.folder / "FILE.npy")
        if name not in runs.done:
            words = f"evaluate_depth.py --load_weights_folder FOLDER {lines.EVALUATIONS[name]}"
            runs.done[name], _ = runs.program.run(*words.split(), "--data_path", "KITTI")
        return runs.done[name]

    return run


ROW = re.compile(r"^(&  *\d+\.\d{3}  ){7}\\\\$", re.M)


@pytest.mark.slow
@pytest.mark.parametrize("name", lines.EVALUATIONS)
def test_a_line_evaluates(runs, evaluated, name):
    out = evaluated(name)
    if name == "file":
        assert "-> Loading predictions from FILE.npy\n" in out
        return
    assert "-> Loading weights from FOLDER\n" in out
    assert "-> Computing predictions with size 96x64\n" in out
    if name == "benchmark":
        assert "-> Saving out benchmark predictions to FOLDER/benchmark_predictions\n" in out
        assert len(list((runs.folder / "FOLDER" / "benchmark_predictions").iterdir())) == 2
        assert "No ground truth is available for the KITTI benchmark, so not evaluating." in out
        return
    is_mono = "--eval_mono" in lines.EVALUATIONS[name]
    kind = "Mono evaluation - using median scaling"
    stereo = "Stereo evaluation - disabling median scaling, scaling by 5.4"
    assert f"-> Evaluating\n   {kind if is_mono else stereo}\n" in out
    assert (" Scaling ratios | med: " in out) == is_mono
    assert len(ROW.findall(out)) == 1 and "\n-> Done!\n" in out


@pytest.mark.slow
def test_what_a_line_saved_is_evaluated_to_the_same_row(runs, evaluated):
    assert ROW.search(evaluated("file"))[0] == ROW.search(evaluated("mono"))[0]
    assert np.load(runs.folder / "FILE.npy").shape == (2, 64, 96)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["odom_9", "odom_10"])
def test_a_line_evaluates_odometry(runs, evaluated, split):
    words = f"eval.py --eval_split {split} --load_weights_folder FOLDER --data_path KITTI_ODOM"
    out, _ = runs.program.run(*words.split())
    assert "-> Computing pose predictions\n" in out
    assert re.search(r"^   Trajectory error: \d+\.\d{3}, std: \d+\.\d{3}$", out, re.M)
    assert np.load(runs.folder / "FOLDER" / "poses.npy").shape == (7, 4, 4)
    assert (runs.folder / "FOLDER" / f"{split}.png").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "files"),
    [
        ("--image_path IMAGE --load_weights_folder FOLDER", ["IMAGE_disp.npy", "IMAGE_disp.jpeg"]),
        (
            "--image_path IMAGES --model_name NAME --ext jpg",
            [f"IMAGES/000000000{n}_disp.{end}" for n in (0, 1) for end in ("npy", "jpeg")],
        ),
        (
            "--image_path IMAGE --load_weights_folder FOLDER --pred_metric_depth",
            ["IMAGE_depth.npy", "IMAGE_disp.jpeg"],
        ),
    ],
)
def test_a_line_predicts_beside_its_images(runs, evaluated, flags, files):
    name = runs.folder / "models" / "NAME"
    if not name.exists():
        name.parent.mkdir()
        name.symlink_to(runs.folder / "FOLDER")
    out, _ = runs.program.run("demo.py", *flags.split())
    assert "-> Predicting on" in out and out.rstrip().endswith("-> Done!")
    for file in files:
        assert f"   - {file}" in out and (runs.folder / file).is_file()
        (runs.folder / file).unlink()
