"""performance.json: what a timed run measured, and on what."""

import json
import platform
import re
import subprocess
import time

from .arguments import ROOT
from .host import preflight
from .results import rows_needed, timing, wait_share

_DEVICE = re.compile(r"^device: (\w+) (\d+), rank", re.MULTILINE)


def write_performance(request):
    """Write performance.json into the folder of a finished run's logs; returns its path.

    Raises:
        RunError: the run's files are damaged.
    """
    report = {
        "model": request.model,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "revision": _output(["git", "rev-parse", "HEAD"], ROOT).strip(),
        **_figures(request),
        **_device(request.logs),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "host": _host(request.folder),
    }
    path = request.logs / "performance.json"
    temporary = path.with_name(f".performance-{time.monotonic_ns()}")
    temporary.write_text(json.dumps(report, indent=1) + "\n")
    temporary.replace(path)
    return path


def _figures(request):
    """What was measured; null where the run has no log line but the first."""
    steps = int(request.values["steps"])
    rows = rows_needed(steps) if request.timed else None
    unknown = {"s_per_step": None, "examples_per_s": None}
    share = wait_share(request.training, rows)
    return {"steps": steps, **unknown, **timing(request.training, rows), "wait_share": share}


def _device(logs):
    """What the program said of its device in the first log that has the line."""
    for log in sorted(logs.glob("train*.log")):
        if found := _DEVICE.search(log.read_text(errors="replace")):
            return {"device_target": found[1], "device_id": int(found[2])}
    return {"device_target": None, "device_id": None}


def _host(folder):
    """Cards, driver, CANN, MindSpore, as the model's own preflight tells; null without one."""
    found = _output(preflight("--json"), folder)
    return json.loads(found) if found else None


def _output(command, folder):
    """What a command prints; empty when it fails."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout if done.returncode in (0, 2) else ""
