"""Holds a program to AVX2 that has no option for it; see hide_avx512.c."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

_SOURCE = Path(__file__).with_name("hide_avx512.c")


def hide_avx512():
    """Of what is loaded from now on nothing sees AVX-512, in this process.

    Raises:
        OSError: there is no C compiler, or this processor or kernel cannot do it.
    """
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "hide_avx512.so")
        command = ["cc", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library]
        done = subprocess.run([*command, _SOURCE], capture_output=True, text=True)
        if done.returncode:
            raise OSError(f"cc: {done.stderr.strip()}")
        if ctypes.CDLL(str(library)).hide_avx512():
            raise OSError("CPUID cannot be made to fault: no cpuid_fault in /proc/cpuinfo")
