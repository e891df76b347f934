"""check_host.sh, on folders that look like hosts with cards."""

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.model_utils import host_trees as trees

SCRIPT = REPOSITORY / "scripts" / "check_host.sh"


def check(root, env, cwd=None):
    """(exit status, lines) of the script, looking below another root."""
    command = ["bash", str(SCRIPT), str(root)]
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).splitlines()


@pytest.fixture
def env(tmp_path):
    """An environment whose Python sees CANN's packages and what they import."""
    site = trees.make_cann(tmp_path)[1]
    theirs = trees.make_theirs(tmp_path / "theirs", [n for n in trees.THEIRS if n != "scipy"])
    return trees.environment(site, theirs, PYTHON=sys.executable, ASCEND_OPP_PATH="/opp")


def test_a_host_with_everything_for_a_910b(tmp_path, env):
    trees.make_cards(tmp_path, ["910B", "910B"])
    trees.make_driver(tmp_path)
    status, lines = check(tmp_path, env)
    assert status == 0 and lines[-1] == "missing    nothing"
    assert "cards      2 x Ascend 910B; 2 reached as /dev/davinci0,1" in lines


def test_what_is_missing_is_named_line_by_line(tmp_path, env):
    trees.make_cards(tmp_path, ["910B"], numbers=[])
    del env["ASCEND_OPP_PATH"]
    env["PYTHONPATH"] = ""
    status, lines = check(tmp_path, env)
    missing = [line.split()[1] for line in lines if line.startswith("missing")]
    assert status == 2
    assert missing == ["driver:", "/dev/davinci*:", "ASCEND_OPP_PATH:", "CANN's", "what"]


def test_a_serving_host_needs_lite(tmp_path, env):
    trees.make_cards(tmp_path, ["310"])
    trees.make_driver(tmp_path)
    status, lines = check(tmp_path, env)
    assert status == 2 and lines[-1].startswith("missing    MindSpore Lite: set LITE_HOME to")
    assert check(tmp_path, {**env, "LITE_HOME": str(tmp_path)})[0] == 0


def test_this_machine_has_no_card():
    status, lines = check("/nowhere", trees.environment())
    assert (status, lines[-1][:17]) == (0, "no Ascend card: r")


def test_the_interpreter_may_be_named_from_where_the_user_is(tmp_path):
    (tmp_path / "mine").symlink_to(sys.executable)
    status, lines = check("/nowhere", trees.environment(PYTHON="./mine"), cwd=tmp_path)
    assert status == 0 and lines[0].startswith("system")
    status, lines = check("/nowhere", trees.environment(PYTHON="gone/python"), cwd=tmp_path)
    assert (status, lines) == (2, ["error: no Python at 'gone/python'; set PYTHON=/path/to/python"])
