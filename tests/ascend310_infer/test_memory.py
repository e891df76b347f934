"""Memory stays flat over 10,000 images."""

import os
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.ascend310_infer.conftest import model, photo

IMAGES = 10_000


def _resident_mib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return int(lines["VmRSS"].split()[0]) / 1024 if "VmRSS" in lines else None


@pytest.mark.slow
def test_memory_is_flat(infer, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for index in range(4):
        cv2.imwrite(str(folder / f"{index:05}.jpg"), photo(index, 240, 320))
    for index in range(4, IMAGES):
        os.link(folder / f"{index % 4:05}.jpg", folder / f"{index:05}.jpg")
    flags = ["--mindir", model("tiny"), "--input", folder, "--device", "CPU", "--batch", "4"]
    results = tmp_path / "result_Files"
    process = subprocess.Popen(
        [str(word) for word in [infer.program, *flags]],
        cwd=tmp_path,
        env=infer.environment,
        stdout=subprocess.DEVNULL,
    )
    samples = []
    while process.poll() is None:
        # The time of a sample is the number of results, so that a slow start does not count.
        done = len(os.listdir(results)) // 2 if results.exists() else 0
        memory = _resident_mib(process.pid)
        if memory and done > IMAGES / 10:
            samples.append((done, memory))
        time.sleep(0.1)
    assert process.returncode == 0
    assert len(os.listdir(results)) == 2 * IMAGES
    done, memory = np.array(samples).T
    assert len(done) >= 10
    growth = np.polyfit(done, memory, 1)[0] * IMAGES
    assert memory.max() - memory.min() < 16, f"MiB: {memory.min():.0f} to {memory.max():.0f}"
    # One image kept in eight would show: 320x240 decoded is 0.22 MiB.
    assert growth < 0.22 / 8 * IMAGES / 10, f"{growth:.1f} MiB over {IMAGES} images"
