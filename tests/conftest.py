"""Shared by all tests: CPU settings, and entry points run as users run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Before the first MindSpore operation of any process that the tests start (see platform notes in
# the README): without it convolutions take oneDNN's reference path on AVX-512 machines.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
os.environ.setdefault("GLOG_v", "3")

REPOSITORY = Path(__file__).resolve().parents[1]


class Program:
    """A model folder copied out of the repository, whose entry points run as subprocesses."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, script, *flags, **options):
        """Popen of `python script flags` in the copied folder, output piped as text."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        # Compiled graphs are kept between runs (graph_cache.py), here for these tests alone.
        cache = {"XDG_CACHE_HOME": str(self.folder.parent / "cache")}
        options["env"] = {**cache, **options.get("env", os.environ)}
        command = [sys.executable, script, *map(str, flags)]
        return subprocess.Popen(command, cwd=self.folder, **options)

    def run(self, script, *flags, status=0, timeout=600, **options):
        """Run to the end, check the exit status, return what it printed (stdout, stderr)."""
        process = self.start(script, *flags, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        assert process.returncode == status, f"exit {process.returncode}\n{out}\n{err}"
        return out, err

    def refuse(self, script, *flags, **options):
        """Run something that a user got wrong: exit 2, one error line, no traceback; the line."""
        out, err = self.run(script, *flags, status=2, **options)
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, f"expected one error line, got:\n{out}\n{err}"
        assert "Traceback" not in out + err
        return lines[0]


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """program("depthnet") copies that model folder alone to a temporary place, once."""
    copies = {}

    def copy(model):
        if model not in copies:
            target = tmp_path_factory.mktemp("program") / model
            ignore = shutil.ignore_patterns("__pycache__", "Model", "*.ckpt", "kernel_meta")
            shutil.copytree(REPOSITORY / model, target, ignore=ignore)
            copies[model] = Program(target)
        return copies[model]

    return copy


@pytest.fixture(scope="session")
def export_python():
    """Python with MindSpore 2.0.0, the oldest that reads our files; needs a Python 3.9 here."""
    environment = {key: value for key, value in os.environ.items() if key != "GLOG_v"}
    command = ["bash", str(REPOSITORY / "scripts" / "install_lite.sh"), "export"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    python = REPOSITORY / ".venv-export" / "bin" / "python"
    if not python.exists():
        pytest.skip("no Python 3.9 here for MindSpore 2.0.0; PYTHON39 may name one")
    return python
