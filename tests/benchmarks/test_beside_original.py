"""The benchmarks beside the originals: arguments, the checkout, and what is not compared."""

import json
import subprocess
import sys

import pytest

from tests.benchmarks.beside_original import found
from tests.conftest import REPOSITORY

PROGRAMS = {
    "bench_depthnet_data": "research/cv/DepthNet/src/data_loader.py",
    "bench_midas_data": "research/cv/midas/src/utils/loadImgDepth.py",
}
QUICK = ("--images", "2", "--batch", "2", "--epochs", "2", "--rounds", "1")
# Not the original's: a program of the same name whose images are black.
STAND_IN = """
import mindspore.dataset as ds
import numpy as np

def create_train_data_set(folder, batch, epochs, distributed):
    arrays = {{"rgb": np.zeros((batch, 3, {size}), np.float32)}}
    arrays["depth"] = np.zeros((batch, 1, 55, 74), np.float32)
    data = ds.NumpySlicesDataset(arrays, shuffle=False, num_parallel_workers=num_parallel_workers)
    return data.batch(batch).repeat(epochs)
"""


def run(program, *words):
    command = [sys.executable, "-m", f"tests.benchmarks.{program}", *map(str, words)]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_wrong_checkout_is_named_in_one_line(program, tmp_path):
    done = run(program, "--original", tmp_path / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"--original {tmp_path}/nowhere: expected a checkout of")
    assert PROGRAMS[program] in line


def test_images_fill_their_batches():
    done = run("bench_midas_data", "--images", 12)
    assert done.returncode == 2
    assert done.stderr == "--images 12: expected a multiple of the batch size 8\n"


def test_the_repository_and_the_model_s_folder_are_both_checkouts(tmp_path):
    folder = tmp_path / "research" / "cv" / "midas"
    folder.mkdir(parents=True)
    (folder / "a.py").touch()
    for checkout in (tmp_path, folder):
        assert found(checkout, "research/cv/midas", "a.py") == folder


def beside_a_stand_in(tmp_path, size):
    """Run DepthNet's benchmark beside a program whose images have a size."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "data_loader.py").touch()
    (tmp_path / "train.py").write_text(STAND_IN.format(size=size))
    words = ("--original", tmp_path, "--json", tmp_path / "out.json", *QUICK)
    return run("bench_depthnet_data", *words)


@pytest.mark.slow
def test_both_pipelines_are_measured_on_one_core_and_on_two(tmp_path):
    done = beside_a_stand_in(tmp_path, "228, 304")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "out.json").read_text())["rows"]
    assert [row[0] for row in rows] in ([1], [1, 2])
    for _, ours, original, ratio, *cpu_ms in rows:
        assert ours > 0 and original > 0 and ratio == pytest.approx(ours / original)
        assert len(cpu_ms) == 2 and min(cpu_ms) > 0


def test_pipelines_whose_samples_differ_are_not_compared(tmp_path):
    done = beside_a_stand_in(tmp_path, "114, 152")
    assert done.returncode == 1 and not (tmp_path / "out.json").exists()
    assert "different samples, not compared" in done.stderr
