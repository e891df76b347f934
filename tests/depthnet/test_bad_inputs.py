"""What a user can get wrong: one clear line, exit code 2, no traceback, nothing half-written."""

import json
import shutil

import cv2
import numpy as np
import pytest

from tests.warm import WarmProgram

FINE = "FinalFineNet.ckpt"
COARSE = "FinalCoarseNet.ckpt"


@pytest.fixture(scope="module")
def depthnet(program, nyu, weights):
    """The model folder with NYU/ and Model/Ckpt/ inside, so that plain commands work."""
    copy = WarmProgram(program("depthnet").folder)
    if not (copy.folder / "NYU").exists():
        shutil.copytree(nyu, copy.folder / "NYU")
        shutil.copytree(weights, copy.folder / "weights")
    yield copy
    copy.close()


@pytest.fixture
def tree(depthnet, nyu, tmp_path):
    return shutil.copytree(nyu, tmp_path / "NYU")


def nets(coarse="weights/" + COARSE, fine="weights/" + FINE):
    return ["--coarse_ckpt_model", coarse, "--fine_ckpt_model", fine]


FLAGS = {
    "unknown flag": ("train.py", ["--batchsize", 4], "did you mean batch_size"),
    "no such flag at all": ("train.py", ["--qqq", 4], "unknown option 'qqq'"),
    "text for a number": ("train.py", ["--batch_size", "many"], "expected an integer"),
    "fraction for a count": ("train.py", ["--epochs_coarse", "1.5"], "expected an integer"),
    "zero batch": ("train.py", ["--batch_size", 0], "allowed: min 1"),
    "negative rate": ("train.py", ["--learning_rate_max", -1], "allowed: above 0"),
    "infinite rate": ("train.py", ["--learning_rate_max", "inf"], "expected a number"),
    "unknown stage": ("train.py", ["--stage", "both2"], "allowed: coarse, fine, both"),
    "unknown precision": ("train.py", ["--amp_level", "O9"], "allowed: auto, O0, O2, O3"),
    "unknown device": ("train.py", ["--device_target", "TPU"], "allowed: auto, Ascend"),
    "unknown format": ("infer.py", ["--formats", "gif"], "allowed: png, pfm"),
    "unknown graph": ("export.py", ["--coarse_or_fine", "fien"], "allowed: coarse, fine, both"),
    "value missing": ("train.py", ["--data_url"], "a value is missing"),
    "word without flag": ("train.py", ["NYU"], "unexpected argument 'NYU'"),
    "not a boolean": ("train.py", ["--mask_invalid", "perhaps"], "True or False"),
    "missing config": ("train.py", ["--config_path", "no.yaml"], "no.yaml: No such file"),
    "missing tree": ("train.py", ["--data_url", "nowhere"], "nowhere/Train is not a folder"),
    "missing test tree": ("eval.py", [*nets(), "--test_data", "nowhere"], "nowhere/Test is not"),
    "missing coarse weights": ("eval.py", nets(coarse="no.ckpt"), "no.ckpt does not exist"),
    "missing fine weights": ("eval.py", nets(fine="no.ckpt"), "no.ckpt does not exist"),
    "weights swapped": (
        "eval.py",
        nets("weights/" + FINE, "weights/" + COARSE),
        "is of another model",
    ),
    "fine as coarse": ("export.py", nets(coarse="weights/" + FINE), "is of another model"),
    "no input images": (
        "infer.py",
        ["--input_path", "none/*.png", "--model_weights", "weights/" + COARSE],
        "input_path none/*.png does not exist",
    ),
    "a key of another program": (
        "eval.py",
        ["--batch_size", 4],
        "eval.py does not read batch_size; ",
    ),
    "three weights": (
        "infer.py",
        ["--input_path", "NYU/Test", "--model_weights", *["weights/" + COARSE] * 3],
        "expected coarse, coarse and fine",
    ),
    "missing graph": (
        "infer.py",
        ["--input_path", "NYU/Test", "--model_weights", "no.mindir"],
        "no.mindir does not exist",
    ),
    "too many samples per step": (
        "train.py",
        ["--data_url", "NYU", "--batch_size", 100],
        "6 samples are fewer than batch_size 100",
    ),
    "missing state": (
        "train.py",
        ["--data_url", "NYU", "--batch_size", 1, "--resume", "no.ckpt"],
        "no.ckpt does not exist",
    ),
    "weights as state": (
        "train.py",
        ["--data_url", "NYU", "--batch_size", 1, "--resume", "weights/" + COARSE],
        "holds weights only",
    ),
    "no coarse net for the fine stage": (
        "train.py",
        ["--data_url", "NYU", "--batch_size", 1, "--stage", "fine", "--train_url", "empty"],
        "FinalCoarseNet.ckpt does not exist",
    ),
    "pre-trained weights missing": (
        "train.py",
        ["--data_url", "NYU", "--batch_size", 1, "--pre_trained", 1, "--train_url", "empty"],
        "pre_trained.ckpt does not exist",
    ),
    "distributed without a launcher": (
        "train.py",
        ["--data_url", "NYU", "--run_distribute", "True"],
        "needs a launcher",
    ),
    "moxing absent": ("train.py", ["--data_url", "NYU", "--is_modelarts"], "needs moxing"),
    "output below a file": (
        "train.py",
        ["--data_url", "NYU", "--train_url", "config.yaml/out", "--batch_size", 2],
        "config.yaml",
    ),
    "no results": ("postprocess.py", ["--result_path", "nowhere"], "holds no <name>_0.bin"),
    "nothing to convert": ("convert.py", [], "source_path is missing"),
    "no weights file": (
        "convert.py",
        ["--source_path", "config.yaml", "--target_path", "x.ckpt"],
        "expected .ckpt, .npz, .pth or .pt",
    ),
    "wrong suffix": (
        "convert.py",
        ["--source_path", "weights/" + FINE, "--target_path", "x.bin"],
        "must end in .ckpt",
    ),
}


@pytest.mark.parametrize("case", FLAGS)
def test_a_wrong_command(depthnet, case):
    script, flags, message = FLAGS[case]
    assert message in depthnet.refuse(script, *flags)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1, 2", "is not YAML"),
        ("just words", "must hold `key: value` lines"),
        ("batch_size: four", "expected an integer"),
        ("train:\n  no_such_key: 1", "unknown option 'no_such_key'"),
    ],
)
def test_a_wrong_configuration_file(depthnet, tmp_path, text, message):
    (tmp_path / "other.yaml").write_text(text)
    assert message in depthnet.refuse("train.py", "--config_path", tmp_path / "other.yaml")


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shrink(path):
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path), -1), (64, 48)))


TREES = {
    "truncated training image": ("Train", "1.jpg", cut, "1.jpg is truncated"),
    "missing training depth": ("Train", "1.png", lambda p: p.unlink(), "1.png is missing"),
    "small training depth": ("Train", "1.png", shrink, "1.png is 64x48"),
    "truncated test image": ("Test", "00000_colors.png", cut, "is truncated"),
    "8-bit test depth": (
        "Test",
        "00000_depth.png",
        lambda p: cv2.imwrite(str(p), np.zeros((480, 640), np.uint8)),
        "has mode L",
    ),
    "unpaired test image": (
        "Test",
        "00000_depth.png",
        lambda p: p.unlink(),
        "00000_depth.png is missing",
    ),
}


@pytest.mark.parametrize("case", TREES)
def test_a_broken_dataset(depthnet, tree, case):
    part, name, damage, message = TREES[case]
    damage(sorted((tree / part).rglob(name))[0])
    if part == "Train":
        line = depthnet.refuse("train.py", "--data_url", tree, "--train_url", tree / "out")
        assert not list((tree / "out").rglob("*.ckpt"))
    else:
        line = depthnet.refuse("eval.py", "--test_data", tree, *nets())
    assert message in line and "--skip_bad_samples" in line


def test_an_empty_dataset(depthnet, tmp_path):
    (tmp_path / "Train").mkdir()
    assert "holds no" in depthnet.refuse("train.py", "--data_url", tmp_path)


def test_a_truncated_checkpoint(depthnet, tmp_path):
    bad = shutil.copy(depthnet.folder / "weights" / COARSE, tmp_path / "cut.ckpt")
    cut(bad)
    line = depthnet.refuse("eval.py", "--test_data", "NYU", *nets(coarse=bad))
    assert "cut.ckpt is truncated" in line


def test_a_broken_graph_and_a_broken_sidecar(depthnet, tmp_path):
    (tmp_path / "a.mindir").write_bytes(b"broken")
    sidecar = {"graph": "both", "inputs": [{"shape": [1, 3]}]}
    (tmp_path / "a.json").write_text(json.dumps(sidecar))
    infer = ["infer.py", "--input_path", "NYU/Test", "--model_weights", tmp_path / "a.mindir"]
    assert "truncated or not a MindIR" in depthnet.refuse(*infer)
    (tmp_path / "a.json").write_text("{")
    assert "is not JSON" in depthnet.refuse(*infer)


def test_result_files_of_the_wrong_size_and_without_label(depthnet, tmp_path):
    (tmp_path / "a_0.bin").write_bytes(b"1234")
    command = ["postprocess.py", "--result_path", tmp_path, "--label_file", tmp_path]
    assert "has 4 bytes, expected 16280" in depthnet.refuse(*command)
    np.zeros(55 * 74, np.float32).tofile(tmp_path / "a_0.bin")
    assert "a.bin does not exist" in depthnet.refuse(*command)
