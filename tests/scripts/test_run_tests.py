"""run_tests.sh and make_venv.sh with stand-ins for pip and pytest: which MindSpore runs what."""

import os
import shutil
import subprocess

import pytest

from tests.scripts.launchers import SCRIPTS

# Notes its words, and PYTHON; fails where FAIL is among the words.
PYTHON = """#!/bin/bash
echo "$(basename "$(dirname "$(dirname "$0")")") PYTHON=${PYTHON:+set} $*" >>"$NOTED"
[[ -z ${FAIL:-} || $* != *$FAIL* ]]
"""


@pytest.fixture
def checkout(tmp_path):
    """A repository with both scripts; its environments are made, and nothing is installed."""
    (tmp_path / "scripts").mkdir()
    for name in ("run_tests.sh", "make_venv.sh"):
        shutil.copy(SCRIPTS / name, tmp_path / "scripts")
    (tmp_path / "scripts" / "debian_packages.sh").write_text("exit 0\n")
    for name in ("requirements.txt", "requirements-test.txt"):
        (tmp_path / name).write_text("x\n")
    for name in ("a/test_networks.py", "a/test_losses.py", "b/test_commands.py", "b/test_x.py"):
        (tmp_path / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tests" / name).touch()
    for name in ("geonet", "monodepth2"):
        (tmp_path / name / "src" / "sfm_utils").mkdir(parents=True)
    for name in (".venv", ".venv-mindspore-2.7.0", ".venv-mindspore-2.8.0"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / ".made").touch()
        (tmp_path / name / "bin" / "python").write_text(PYTHON)
        (tmp_path / name / "bin" / "python").chmod(0o755)
    return tmp_path


def run(checkout, *words, status=0, **variables):
    """(environment, words of its Python) in turn."""
    noted = checkout / "noted"
    noted.unlink(missing_ok=True)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHON"}
    env = {**kept, "NOTED": str(noted), **variables}
    command = ["bash", str(checkout / "scripts" / words[0]), *words[1:]]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    lines = noted.read_text().splitlines() if noted.exists() else []
    return [line.split(" ", 2) for line in lines], done.stderr


def test_without_arguments_all_run_and_a_short_set_under_the_oldest(checkout):
    calls, _ = run(checkout, "run_tests.sh")
    environments, python, words = zip(*calls)
    assert environments == (".venv",) * 6 + (".venv-mindspore-2.7.0",) * 4
    assert python == ("PYTHON=",) * 6 + ("PYTHON=",) + ("PYTHON=set",) * 3
    assert words[0].endswith("-r requirements-test.txt mindspore==2.10.0")
    parts = [part.partition("loadfile ")[2] for part in words[3:6]]
    ignored = [f"--ignore=tests/{name}" for name in ("geonet", "monodepth2", "ascend310_infer")]
    assert parts[0].split() == ignored
    assert parts[1:] == ["tests/geonet tests/monodepth2", "tests/ascend310_infer"]
    assert words[6].endswith("-r requirements-test.txt mindspore==2.7.0")
    short = words[9].split()[words[9].split().index("loadfile") + 1 :]
    shared = [name for name in short if name.startswith("tests/model_utils/")]
    assert len(shared) == 8 and all((SCRIPTS.parent / name).is_file() for name in shared)
    assert sorted({*short} - {*shared}) == [
        "tests/a/test_losses.py",
        "tests/a/test_networks.py",
        "tests/b/test_commands.py",
    ]


@pytest.mark.parametrize(
    "failing",
    ["--ignore", "loadfile tests/geonet", "loadfile tests/ascend310_infer", "test_device"],
)
def test_a_failure_in_any_part_is_the_status(checkout, failing):
    calls, _ = run(checkout, "run_tests.sh", status=1, FAIL=failing)
    assert len(calls) == 10  # the others ran all the same


def test_a_version_has_its_own_environment_and_runs_everything_once(checkout):
    calls, _ = run(checkout, "run_tests.sh", "--mindspore", "2.8.0")
    assert {name for name, _, _ in calls} == {".venv-mindspore-2.8.0"}
    last = [words.split()[-1] for _, _, words in calls[3:]]
    program = "tests/ascend310_infer"
    assert last == [f"--ignore={program}", "tests/monodepth2", program]
    calls, _ = run(checkout, "run_tests.sh", "--mindspore", "2.8.0", "tests/midas", "-k", "loss")
    assert calls[-1][1:] == [
        "PYTHON=set",
        "-m pytest --numprocesses 2 --dist loadfile tests/midas -k loss",
    ]
    calls, _ = run(checkout, "run_tests.sh", "-k", "loss")
    assert calls[-1][0] == ".venv" and calls[-1][2].endswith("loadfile -k loss")


@pytest.mark.parametrize("script", ["run_tests.sh", "make_venv.sh"])
@pytest.mark.parametrize("words", [[], ["2.8"], ["newest"], ["../x"]])
def test_what_is_no_version_is_refused(checkout, script, words):
    calls, err = run(checkout, script, "--mindspore", *words, status=2)
    assert not calls and err.startswith(f"error: --mindspore '{''.join(words)}' is no version")


def test_an_environment_is_installed_again_when_the_version_or_a_file_changes(checkout):
    assert len(run(checkout, "make_venv.sh")[0]) == 1
    assert not run(checkout, "make_venv.sh")[0]
    (checkout / "requirements.txt").write_text("y\n")
    assert len(run(checkout, "make_venv.sh")[0]) == 1
    script = checkout / "scripts" / "make_venv.sh"
    script.write_text(script.read_text().replace("version=2.10.0", "version=2.10.1"))
    assert run(checkout, "make_venv.sh")[0][0][2].endswith("mindspore==2.10.1")
