"""A process that is held to AVX2 sees no AVX-512, computes as ever, and still ends at a fault."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.common import ROOT

HIDE = "from tests.benchmarks.avx2 import hide_avx512\nhide_avx512()\n"
FEATURES = """
import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as features
print(features["AVX2"], any(on for name, on in features.items() if name.startswith("AVX512")))
print((np.ones((64, 64), np.float32) @ np.ones((64, 64), np.float32)).sum())
"""
pytestmark = pytest.mark.skipif(
    "cpuid_fault" not in Path("/proc/cpuinfo").read_text(), reason="the processor cannot do it"
)


def python(program):
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)


def test_numpy_sees_avx2_alone():
    done = python(HIDE + FEATURES)
    assert done.stdout.split() == ["True", "False", "262144.0"], done.stderr


def test_a_fault_of_the_program_ends_it():
    done = python(HIDE + "import ctypes\nctypes.string_at(0)")
    assert done.returncode == -signal.SIGSEGV
