"""The C++ unit tests, as built for users and with the sanitizers."""

import subprocess

import pytest


@pytest.mark.parametrize("which", ["build", "sanitized"])
def test_ctest(request, which):
    folder = request.getfixturevalue(which)
    command = ["ctest", "--test-dir", str(folder), "--output-on-failure", "--no-tests=error"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100% tests passed" in done.stdout
