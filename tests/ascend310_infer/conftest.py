"""The program under test, built once, kept in ascend310_infer/build; the runtime, fetched once."""

import fcntl
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
INFER = REPOSITORY / "ascend310_infer"
DATA = Path(__file__).parent / "data"
# Nothing of the machine's own: a card's host may have another runtime in its environment.
ENVIRONMENT = {
    k: v for k, v in os.environ.items() if k not in ("LITE_HOME", "MSLITE_HOME", "GLOG_v")
}


@contextmanager
def _one_at_a_time(name):
    """Hold a lock file: pytest-xdist's workers share the builds and the runtime."""
    (REPOSITORY / ".cache").mkdir(exist_ok=True)
    with (REPOSITORY / ".cache" / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check(command, **options):
    options = {"capture_output": True, "text": True, "env": ENVIRONMENT, **options}
    done = subprocess.run([str(word) for word in command], **options)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def runtime():
    """The folder of MindSpore Lite, fetched by the script that users run."""
    script = REPOSITORY / "scripts" / "install_lite.sh"
    _check(["bash", script, "runtime"], env={**ENVIRONMENT, "PYTHON": sys.executable})
    return REPOSITORY / ".cache" / "mindspore_lite"


def _build(folder, *options):
    with _one_at_a_time("build_310"):
        environment = {**ENVIRONMENT, "BUILD_DIR": str(folder), "JOBS": "2"}
        _check(["bash", INFER / "build.sh", "-DWITH_TESTS=ON", *options], env=environment)
    return folder


@pytest.fixture(scope="session")
def build(runtime):
    """The folder of the program as users build it, and its unit tests."""
    return _build(INFER / "build")


@pytest.fixture(scope="session")
def sanitized(runtime):
    """The same with the address and undefined-behaviour sanitizers, unoptimised to build fast."""
    return _build(INFER / "build" / "sanitize", "-DSANITIZE=ON", "-DCMAKE_BUILD_TYPE=Debug")


class Infer:
    """Runs the program in a folder of its own, on CPU."""

    def __init__(self, program, folder, environment=None):
        self.program = program
        self.folder = folder
        self.environment = {**ENVIRONMENT, **(environment or {})}

    def attempt(self, *flags, device="CPU"):
        """Run to the end, whatever it ends with."""
        command = [self.program, "--device", device, *flags]
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )

    def __call__(self, *flags, status=0, **options):
        """Run to the end, check the exit status, return (stdout, stderr)."""
        done = self.attempt(*flags, **options)
        assert done.returncode == status, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr

    def refuse(self, *flags, status=2, **options):
        """Run something wrong; returns the one line that says what."""
        out, err = self(*flags, status=status, **options)
        lines = [line for line in err.splitlines() if line]
        assert len(lines) == 1 and lines[0].startswith("error: "), out + err
        return lines[0]

    def result(self, name, shape, folder="result_Files"):
        """The float32 values of one result .bin."""
        return np.fromfile(self.folder / folder / name, np.float32).reshape(shape)


@pytest.fixture
def infer(build, tmp_path):
    """The program, run in an empty folder."""
    return Infer(build / "main", tmp_path)


@pytest.fixture
def infer_sanitized(sanitized, tmp_path):
    """The sanitized program; every report of a sanitizer ends it with exit code 99."""
    # Looking for leaks stops all threads, and dies on those that the runtime leaves behind; the
    # unit tests run the whole pipeline without the runtime and do look.
    environment = {"ASAN_OPTIONS": "exitcode=99:detect_leaks=0", "UBSAN_OPTIONS": "exitcode=99"}
    return Infer(sanitized / "main", tmp_path, environment)


def model(name):
    """Path of a MindIR kept with the tests (make_models.py)."""
    return DATA / f"{name}.mindir"


def photo(seed, height=48, width=64):
    """A smooth colour picture, (H, W, 3) uint8 BGR."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def images_per_second(text):
    """The program's own end-to-end rate."""
    return float(re.search(r"([0-9.]+) images/s\n$", text).group(1))
