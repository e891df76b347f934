"""The 310 path: .bin files of the test images, and scores of result files."""

import math
import os

import numpy as np
import pytest

from depthnet.src import ascend310
from depthnet.src.datasets import NyuTest
from depthnet.src.model_utils.errors import InputError

SIZE = (55, 74)


def write(folder, name, value):
    folder.mkdir(exist_ok=True)
    np.full(SIZE, value, np.float32).tofile(folder / name)


@pytest.fixture
def folders(tmp_path):
    """Results 2 m and 4 m, labels 1 m and 4 m: relative errors 1 and 0."""
    results, labels = tmp_path / "results", tmp_path / "labels"
    for name, depth, truth in (("a_0", 2, 1), ("b", 4, 4)):
        write(results, f"{name}_0.bin", math.log(depth))
        write(labels, f"{name}.bin", truth)
    return results, labels


def test_inputs_hold_what_the_dataset_gives(nyu, tmp_path, capsys):
    data = NyuTest(nyu / "Test")
    ascend310.write_inputs(data, tmp_path)
    for index in range(3):
        sample, name = data.load(index), f"DepthNet_nyu_1_{index}.bin"
        for folder, field in (("img_data", "rgb"), ("label", "depth")):
            got = np.fromfile(tmp_path / folder / name, np.float32)
            np.testing.assert_array_equal(got, sample[field].ravel())
    assert len(list(tmp_path.rglob("*.bin"))) == 6
    assert "wrote 3 images to" in capsys.readouterr().out


@pytest.mark.parametrize("taken", ["img_data", "label"])
def test_existing_folders_are_not_mixed_with(nyu, tmp_path, taken):
    (tmp_path / taken).mkdir()
    with pytest.raises(InputError, match=f"{taken} exists"):
        ascend310.write_inputs(NyuTest(nyu / "Test"), tmp_path)
    assert not list(tmp_path.rglob("*.bin"))


def test_scores_are_averaged_over_the_results(folders):
    got = ascend310.score_results(*folders)
    assert got["abs_relative_loss"] == pytest.approx(0.5)
    assert got["rmse_linear_loss"] == pytest.approx(0.5)
    assert got["rmse_log_loss"] == pytest.approx(math.log(2) / 2)
    assert got["delta1_loss"] == 0.5


def test_the_log_is_clipped_as_in_the_original_script(folders):
    results, labels = folders
    write(results, "a_0_0.bin", math.log(500))
    write(labels, "a_0.bin", 10)
    assert ascend310.score_results(results, labels)["rmse_log_loss"] == pytest.approx(0, abs=1e-6)


def test_unknown_pixels_count_as_a_tenth_of_a_metre_unless_masked(folders):
    results, labels = folders
    write(labels, "a_0.bin", 0)
    plain = ascend310.score_results(results, labels)
    assert plain["abs_relative_loss"] == pytest.approx((2 - 0.1) / 0.1 / 2, rel=1e-5)
    masked = ascend310.score_results(results, labels, mask_invalid=True)
    assert masked["abs_relative_loss"] == pytest.approx(0, abs=1e-6)
    write(labels, "b.bin", 0)
    with pytest.raises(InputError, match="no pixel with depth"):
        ascend310.score_results(results, labels, mask_invalid=True)


def test_missing_and_wrong_files_are_named(folders, tmp_path):
    results, labels = folders
    with pytest.raises(InputError, match="nowhere holds no <name>_0.bin"):
        ascend310.score_results(tmp_path / "nowhere", labels)
    (labels / "b.bin").write_bytes(bytes(8))
    with pytest.raises(InputError, match="b.bin has 8 bytes, expected 16280"):
        ascend310.score_results(results, labels)
    (labels / "b.bin").unlink()
    with pytest.raises(InputError, match="b.bin does not exist; results and labels"):
        ascend310.score_results(results, labels)


def test_the_programs_need_no_mindspore(program, folders, nyu, tmp_path):
    depthnet, (results, labels) = program("depthnet"), folders
    (tmp_path / "mindspore.py").write_text("raise ImportError('not on a 310 host')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    paths = ["--dataset_path", nyu / "Test", "--output_path", tmp_path / "pre"]
    depthnet.run("preprocess.py", *paths, env=env)
    assert len(list((tmp_path / "pre" / "label").iterdir())) == 3
    paths = ["--result_path", results, "--label_file", labels, "--acc_log", tmp_path / "acc.log"]
    out, _ = depthnet.run("postprocess.py", *paths, env=env)
    assert "abs_relative_loss:  0.500000" in out and (tmp_path / "acc.log").read_text() in out
