"""What the benchmarks share: fresh processes, medians, peak memory, the machine's sgemm rate."""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]


def in_fresh_process(module, case, variables=None, torch_isa=None, **options):
    """Run `python -m module --case case` in a process of its own and return the dict it prints.

    Peak memory and compile time are only meaningful in a process that did nothing else. The limit
    that MindSpore's oneDNN needs (AVX2) is taken away from cases that are not MindSpore's.

    Args:
        variables: more of the environment.
        torch_isa: the limit of those, as ONEDNN_MAX_CPU_ISA.
    Returns:
        The dict, or {"error": last line} when the process failed.
    """
    words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, "-m", module, "--case", case, *words]
    environment = {"ONEDNN_MAX_CPU_ISA": "AVX2", "GLOG_v": "3", **os.environ}
    if not case.startswith(("mindspore", "pipeline")):
        del environment["ONEDNN_MAX_CPU_ISA"]
        if torch_isa:
            environment["ONEDNN_MAX_CPU_ISA"] = torch_isa
    environment |= variables or {}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        return {"error": (done.stderr.strip().splitlines() or ["no message"])[-1]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def photos(folder, count, size=(640, 480)):
    """The folder, made and filled with JPEG photos of a size (width, height)."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(count):
        coarse = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        photo = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{index:05}.jpg"), photo)
    return folder


def median_ms(function, repeats, warm_up=1):
    """Median wall time of a call in milliseconds."""
    times = []
    for number in range(warm_up + repeats):
        began = time.perf_counter()
        function()
        if number >= warm_up:
            times.append(1000 * (time.perf_counter() - began))
    return float(np.median(times))


def peak_mb():
    """Largest resident size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sgemm_gflops(size=2048, repeats=5):
    """Rate of numpy's float32 matrix product on this machine, GFLOP/s."""
    matrix = np.random.default_rng(0).random((size, size), np.float32)
    return 2 * size**3 / median_ms(lambda: matrix @ matrix, repeats) / 1e6


def report(title, columns, rows, path):
    """Print a table and write {"title", "columns", "rows"} as JSON.

    Args:
        columns: names; the first column names the row.
        rows: list of lists; floats are shown with three significant digits, None as a dash.
        path: JSON file.
    """
    print(f"\n{title}")
    shown = [columns] + [[_cell(value) for value in row] for row in rows]
    widths = [max(len(row[i]) for row in shown) for i in range(len(columns))]
    for row in shown:
        cells = [
            text.ljust(w) if i == 0 else text.rjust(w)
            for i, (text, w) in enumerate(zip(row, widths))
        ]
        print("  ".join(cells))
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps({"title": title, "columns": columns, "rows": rows}, indent=1))
    print(f"wrote {path}")


def _cell(value):
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
