"""Training as users run it: the lines of the original, resuming, flow from depth, mistakes."""

import csv

import numpy as np
import pytest

from geonet.src.model_utils.checkpoint import read_parameters
from geonet.src.model_utils.files import read_record
from tests.geonet import lines
from tests.geonet.conftest import SMALL
from tests.warm import WarmProgram

SIZE = ("--img_height", SMALL[0], "--img_width", SMALL[1])
SHORT = (*SIZE, "--batch_size", 2, "--log_steps", 1, "--save_ckpt_freq", 2)


class Runs:
    """A copy of the model's folder in which trainings go on from each other."""

    def __init__(self, program, strips):
        self.folder = program.folder
        self.program = WarmProgram(program.folder)
        (self.folder / "T").symlink_to(strips)
        # Without val.txt, for runs that need not compile a validation.
        (self.folder / "N").mkdir()
        for path in strips.iterdir():
            if path.name != "val.txt":
                (self.folder / "N" / path.name).symlink_to(path)

    def line(self, line, *flags):
        """What a line printed, with flags appended."""
        return self.program.run(*line.split()[1:], *flags, timeout=900)[0]


@pytest.fixture(scope="module")
def runs(program, small_strips):
    """Runs; the one with the port's line is there."""
    runs = Runs(program("geonet"), small_strips)
    yield runs
    runs.program.close()


@pytest.fixture(scope="module")
def rigid(runs):
    """What the port's line printed: three steps of the whole network."""
    return runs.line(lines.PORT["train"], *SHORT, "--max_steps", 4, "--max_to_keep", 1)


@pytest.mark.slow
def test_the_port_s_line_trains(runs, rigid):
    printed = rigid.splitlines()
    first = printed.index("Trainable variables: ")
    assert printed[first + 1] == "depth_net/Conv/weights:0"
    count = next(line for line in printed if line.startswith("parameter_count = "))
    assert int(count.split()[-1]) == 60039504
    for number in (1, 2, 3):
        (line,) = (line for line in printed if line.startswith(f"Iteration: [{number:7d}]"))
        assert " | Time: " in line and "s/iter | Loss: " in line
    # max_steps 4 makes three steps; weights after the second and after the last, one of them kept.
    files = sorted(path.name for path in (runs.folder / "C").glob("*.ckpt"))
    assert files == ["model-3.ckpt", "model_best.ckpt", "state_train_rigid.ckpt"]
    record = read_record(runs.folder / "C" / "model-3.ckpt")
    assert record["networks"] == ["depth_net", "pose_net"] and record["step"] == 3
    assert (record["img_height"], record["img_width"]) == SMALL
    names = set(read_parameters(runs.folder / "C" / "model-3.ckpt"))
    assert "depth_net.conv1.weight" in names and "pose_net.head.bias" in names
    with (runs.folder / "C" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["0", "1", "2"]
    for row in rows:
        terms = float(row["rigid_warp_loss"]) + float(row["disp_smooth_loss"])
        assert float(row["loss"]) == pytest.approx(terms, rel=1e-5)
    assert float(rows[1]["val_loss"]) > 0 and (runs.folder / "C" / "curves.png").is_file()
    assert len(list((runs.folder / "C" / "panels").glob("*.png"))) == 4


@pytest.mark.slow
def test_residual_flow_goes_on_from_it(runs, rigid):
    flags = (*SHORT, "--max_steps", 3, "--init_ckpt_file", "C/model-3", "--lr_decay", "--power", 1)
    line = "python train.py --mode=train_flow --flownet_type=residual --dataset_dir=T"
    out = runs.line(line, *flags, "--checkpoint_dir", "F")
    assert "loading depth_net and pose_net from C/model-3.ckpt" in out
    assert "depth_net/Conv/weights:0" not in out and "flow_net/Conv_80/biases:0" in out
    before = read_parameters(runs.folder / "C" / "model-3.ckpt")
    after = read_parameters(runs.folder / "F" / "model-2.ckpt")
    for name, value in before.items():  # moving statistics, too
        np.testing.assert_array_equal(value.asnumpy(), after[name].asnumpy(), err_msg=name)
    assert any(name.startswith("flow_net.") for name in after)
    with (runs.folder / "F" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    # In two steps from 0.0002 towards 0.000001.
    assert [float(row["lr"]) for row in rows] == pytest.approx([0.0002, 0.0001005])
    row = rows[-1]
    assert float(row["empty_masks"]) >= 0 and float(row["flow_consistency_loss"]) >= 0
    refused = (*SHORT, "--max_steps", 3, "--init_ckpt_file", "F/model-2")
    error = runs.program.refuse("train.py", "--mode=train_rigid", "--dataset_dir=T", *refused)
    assert "F/model-2.ckpt is of train_flow, from which train_rigid does not start" in error


@pytest.mark.slow
def test_direct_flow_needs_no_other_network(runs):
    line = "python geonet_main.py --mode=train_flow --flownet_type=direct --dataset_dir=N"
    out = runs.line(line, *SHORT, "--max_steps", 2, "--checkpoint_dir", "D")
    assert "depth_net" not in out and "no validation: N/val.txt is missing or empty" in out
    record = read_record(runs.folder / "D" / "model-1.ckpt")
    assert record["networks"] == ["flow_net"] and record["flownet_type"] == "direct"


@pytest.mark.slow
def test_a_training_resumes_to_the_same_bits(runs):
    """Augmented batches: three steps at once, and two, then one."""
    line = "python train.py --dataset_dir=N --dispnet_encoder=vgg --scale_normalize"
    flags = (*SHORT, "--save_ckpt_freq", 100)
    runs.line(line, *flags, "--max_steps", 4, "--checkpoint_dir", "once")
    parts = ("--checkpoint_dir", "parts", "--resume", "auto")
    runs.line(line, *flags, "--max_steps", 3, *parts)
    out = runs.line(line, *flags, "--max_steps", 4, *parts)
    assert "resumed train_rigid at step 2" in out
    once, again = (
        read_parameters(runs.folder / name / "state_train_rigid.ckpt") for name in ("once", "parts")
    )
    assert set(once) == set(again) and any(name.startswith("moment1.depth") for name in once)
    for name, value in once.items():
        np.testing.assert_array_equal(value.asnumpy(), again[name].asnumpy(), err_msg=name)


def test_mistakes_are_answered_before_anything_is_built(runs, tmp_path):
    base = ("--dataset_dir", "T", "--checkpoint_dir", tmp_path / "c", *SIZE)
    flow = ("--mode", "train_flow")
    cases = {
        ("--mode", "test_pose"): "mode test_pose is one of eval.py",
        ("--mode", "train_fow"): "allowed: train_rigid, train_flow",
        ("--seq_length", 4): "seq_length 4 has no middle frame",
        ("--img_height", 60): "img_height 60 is no multiple of 8",
        ("--dispnet_encoder", "vgg", "--img_width", 136): "img_width 136 is no multiple of 16",
        ("--init_ckpt_file", tmp_path / "none"): "none",
        ("--batch_size", 30): "18 samples are fewer than batch_size 30",
        ("--dataset_dir", tmp_path): "train.txt",
        ("--max_steps", 1): "allowed: min 2",
        flow: "needs the weights of train_rigid",
        ("--flownet_tipe", "direct"): "did you mean flownet_type?",
        ("--formats", "png"): "formats",
    }
    for flags, text in cases.items():
        assert text in runs.program.refuse("train.py", *base, *flags), flags
    assert not (tmp_path / "c").exists()


def test_strips_of_another_size_are_named(runs):
    line = runs.program.refuse("train.py", "--dataset_dir", "T")
    assert "384x64" in line and "1248x128" in line
    line = runs.program.refuse("train.py", "--dataset_dir", "T", *SIZE, "--seq_length", 5)
    assert "--seq_length 3" in line
