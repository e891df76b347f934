"""NYU trees on disk: bit depth, units, rounding, and the command that writes them."""

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.synthetic import writers_nyu
from tests.synthetic.__main__ import main
from tests.synthetic.files import build, quantized
from tests.synthetic.sequence import sequence

SMALL = ["--train", "3", "--test", "1", "--height", "48", "--width", "64", "--workers", "1"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    out = tmp_path_factory.mktemp("nyu") / "tree"
    main(["nyu", str(out), *SMALL])
    return out


def test_the_tree_holds_pairs_and_nothing_else(tree):
    files = sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())
    assert files == [
        ".complete",
        "Test/00000_colors.png",
        "Test/00000_depth.png",
        "Train/room_0000_out/1.jpg",
        "Train/room_0000_out/1.png",
        "Train/room_0000_out/2.jpg",
        "Train/room_0000_out/2.png",
        "Train/room_0001_out/1.jpg",
        "Train/room_0001_out/1.png",
    ]


def test_train_depth_is_8_bit_at_10_m_for_255(tree):
    sample = next(sequence("room", (0, 0, 1), 1, 48, 64))
    stored = cv2.imread(str(tree / "Train/room_0001_out/1.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint8 and stored.shape == (48, 64)
    np.testing.assert_array_equal(stored, np.rint(sample.depth.astype(np.float64) * 25.5))
    picture = cv2.imread(str(tree / "Train/room_0001_out/1.jpg"))[..., ::-1].astype(int)
    assert np.abs(picture - sample.rgb).mean() < 6  # JPEG, and RGB order


def test_test_depth_is_16_bit_millimetres(tree):
    sample = next(sequence("room", (0, 1, 0), 1, 48, 64))
    stored = cv2.imread(str(tree / "Test/00000_depth.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    np.testing.assert_array_equal(stored, np.rint(sample.depth.astype(np.float64) * 1000))
    picture = cv2.imread(str(tree / "Test/00000_colors.png"))[..., ::-1]
    np.testing.assert_array_equal(picture, sample.rgb)


def test_rounding_is_to_the_nearest_and_clips():
    assert quantized([0.0004, 0.0006, 1.2345, 99.0], 1000, np.uint16).tolist() == [
        0,
        1,
        1234,
        65535,
    ]
    assert quantized([0.0, 10.0, 12.0], 25.5, np.uint8).tolist() == [0, 255, 255]


def test_the_size_defaults_to_that_of_the_camera(tmp_path):
    main(["nyu", str(tmp_path / "full"), "--train", "1", "--test", "0", "--workers", "1"])
    picture = cv2.imread(str(tmp_path / "full/Train/room_0000_out/1.jpg"))
    assert picture.shape == (480, 640, 3)
    assert not (tmp_path / "full/Test").exists()


def test_a_complete_folder_is_left_alone(tree, capsys):
    before = {path: path.stat().st_mtime_ns for path in tree.rglob("*")}
    main(["nyu", str(tree), *SMALL])
    assert "complete already" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in tree.rglob("*")}


def test_other_arguments_and_interrupted_runs_start_afresh(tmp_path):
    out = tmp_path / "tree"
    main(["nyu", str(out), *SMALL])
    main(["nyu", str(out), *SMALL, "--train", "1", "--seed", "5"])
    assert len(list(out.rglob("*.jpg"))) == 1
    (out / ".complete").rename(out / ".incomplete")
    (out / "Train/room_0000_out/1.jpg").write_bytes(b"half a")
    main(["nyu", str(out), *SMALL, "--train", "1", "--seed", "5"])
    assert cv2.imread(str(out / "Train/room_0000_out/1.jpg")) is not None
    assert json.loads((out / ".complete").read_text())["arguments"]["seed"] == 5


def test_a_failing_job_leaves_no_mark(tmp_path):
    plan = writers_nyu.plan(tmp_path, 0, 1, 0, 1, 8, 8)
    plan.jobs.append((int, ("no number",)))
    with pytest.raises(ValueError, match="no number"):
        build(tmp_path, {}, plan, 1)
    assert not (tmp_path / ".complete").exists()
    assert (tmp_path / ".incomplete").exists()


def test_files_of_others_are_not_touched(tmp_path, capsys):
    (tmp_path / "Train").mkdir()
    (tmp_path / "Train/mine.txt").write_text("precious")
    with pytest.raises(SystemExit) as stop:
        main(["nyu", str(tmp_path), *SMALL])
    assert stop.value.code == 2
    assert "not written by this command" in capsys.readouterr().err
    assert (tmp_path / "Train/mine.txt").read_text() == "precious"


def test_several_processes_write_the_same_files(tree, tmp_path):
    command = [sys.executable, "-m", "tests.synthetic", "nyu", str(tmp_path / "two"), *SMALL]
    run = subprocess.run([*command, "--workers", "2"], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert "wrote 8 files of nyu" in run.stdout
    for path in tree.rglob("*.*g"):
        assert (tmp_path / "two" / path.relative_to(tree)).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ([], "FORMAT"),
        (["nyuu", "x"], "nyuu"),
        (["nyu"], "OUT"),
        (["nyu", "x", "--train", "many"], "--train"),
        (["nyu", "x", "--train", "-1"], "--train"),
        (["nyu", "x", "--train", "0", "--test", "0"], "nothing to write"),
        (["nyu", "x", "--sed", "1"], "--sed"),
        (["nyu", __file__], "is a file"),
        (["nyu", __file__ + "/x"], "x"),
    ],
)
def test_wrong_arguments_give_one_line_and_exit_2(arguments, word, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert word in error and error.count("\n") == 1
