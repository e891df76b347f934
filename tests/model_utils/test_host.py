"""What a host has of what a card needs, on folders that look like such hosts."""

import json
import os
import re

import pytest
from mindspore.run_check._check_version import AscendEnvChecker
from mindspore.version import __version__

from depthnet.src.model_utils import host
from tests.conftest import REPOSITORY
from tests.model_utils import host_trees as trees

READY = {"ASCEND_OPP_PATH": "/usr/local/Ascend/ascend-toolkit/latest/opp"}


@pytest.fixture
def version(monkeypatch):
    """Sets the version of MindSpore that is found."""

    def set_version(text):
        monkeypatch.setattr(host, "_version_of", lambda package: text)

    set_version("2.8.0")
    return set_version


@pytest.fixture
def packages(monkeypatch):
    """The Python packages that are found; all of them unless a test takes some away."""
    found = {*host._CANN_PACKAGES, *host._THEIR_PACKAGES.values()}
    monkeypatch.setattr(host, "_is_there", found.__contains__)
    return found


@pytest.fixture
def training_host(tmp_path, version, packages):
    """Eight 910A, driver, CANN."""
    trees.make_cards(tmp_path, 8 * ["910A"])
    trees.make_driver(tmp_path)
    trees.make_cann(tmp_path)
    return tmp_path


def only_missing(root, environ=READY):
    (line,) = host.look(root, environ).missing
    return line


def test_a_complete_training_host(training_host):
    found = host.look(training_host, READY)
    assert found.kinds == ("910A",) * 8 and found.numbers == tuple(range(8))
    assert found.missing == () and not found.is_for_serving
    toolkit = training_host / "usr/local/Ascend/ascend-toolkit"
    assert found.report()[1:] == [
        "cards      8 x Ascend 910A; 8 reached as /dev/davinci0,1,2,3,4,5,6,7",
        "driver     24.1.rc1",
        f"CANN       8.5.0.1.220, {toolkit}/latest",
        "MindSpore  2.8.0",
        "missing    nothing",
    ]


def test_a_machine_without_a_card_lacks_nothing(tmp_path, version):
    trees.make_cards(tmp_path, [])
    found = host.look(tmp_path, {})
    assert found.missing == () and not found.is_for_serving
    assert found.report()[1] == "cards      none on the PCI bus; no /dev/davinci*"
    assert found.report()[-1] == "no Ascend card: run the programs with --device_target CPU"
    assert host.look(tmp_path / "nothing", {}).kinds == ()


def test_cards_of_two_kinds_are_counted_apart(tmp_path, version, packages):
    trees.make_cards(tmp_path, ["910B", "310", "910B"], numbers=[10, 2])
    found = host.look(tmp_path, READY)
    assert found.kinds == ("910B", "310", "910B") and not found.is_for_serving
    wanted = "cards      2 x Ascend 910B, 1 x Ascend 310; 2 reached as /dev/davinci2,10"
    assert wanted in found.report()


def test_the_driver(training_host):
    (training_host / "usr/local/Ascend/driver/version.info").unlink()
    assert only_missing(training_host).startswith("driver: no /usr/local/Ascend/driver/version")
    assert "driver     none found" in host.look(training_host, READY).report()


def test_cards_that_the_process_cannot_reach(training_host):
    for path in (training_host / "dev").glob("davinci*"):
        path.unlink()
    line = only_missing(training_host)
    assert line == "/dev/davinci*: load the driver; in a container give it --device=/dev/davinci0"


def test_cards_that_are_reached_but_not_seen_on_the_bus(training_host):
    """As in a container without /sys of the host: the kind is unknown, the rest is looked at."""
    for path in training_host.glob("sys/bus/pci/devices/*/vendor"):
        path.unlink()
    (training_host / "usr/local/Ascend/driver/version.info").unlink()
    found = host.look(training_host, READY)
    assert found.kinds == () and found.numbers and len(found.missing) == 1


def test_cann(training_host, tmp_path):
    (training_host / "usr/local/Ascend/ascend-toolkit").rename(tmp_path / "elsewhere")
    assert only_missing(training_host).startswith("CANN: install the toolkit, then `source ")
    for name in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME"):
        found = host.look(training_host, {**READY, name: str(tmp_path / "elsewhere/latest")})
        assert found.missing == () and found.cann_version == "8.5.0.1.220"
    gone = {**READY, "ASCEND_HOME_PATH": str(tmp_path / "gone")}
    assert only_missing(training_host, gone).startswith("CANN: install")


def test_its_environment(training_host):
    script = training_host / "usr/local/Ascend/ascend-toolkit/set_env.sh"
    assert only_missing(training_host, {}) == f"ASCEND_OPP_PATH: run `source {script}`"
    script.rename(script.parent / "latest/set_env.sh")
    assert only_missing(training_host, {}).endswith(f"`source {script.parent}/latest/set_env.sh`")
    (script.parent / "latest/set_env.sh").unlink()
    assert only_missing(training_host, {}).endswith("`source set_env.sh of CANN`")


def test_its_python_packages_and_what_they_import(training_host, packages):
    packages.remove("hccl")
    line = "CANN's Python packages hccl: its set_env.sh puts them on PYTHONPATH"
    assert only_missing(training_host) == line
    packages.add("hccl")
    packages.difference_update({"attr", "google.protobuf"})
    line = "what CANN's Python packages import: pip install attrs protobuf"
    assert only_missing(training_host) == line


def test_mindspore(training_host, version):
    version("")
    assert only_missing(training_host) == "MindSpore: pip install mindspore==2.8.0"
    version("2.10.0")
    line = "MindSpore 2.10.0 no longer documents the 910A: pip install mindspore==2.8.0"
    assert only_missing(training_host) == line
    version("2.7.1")
    line = "CANN for MindSpore 2.7.1: its compiler is 8.5, MindSpore wants 7.8 or 8.2 or 8.3"
    assert only_missing(training_host) == line
    version("2.8.1")  # not in the table
    assert host.look(training_host, READY).missing == ()


def test_the_newest_mindspore_on_a_910b(tmp_path, version, packages):
    trees.make_cards(tmp_path, ["910B"])
    trees.make_driver(tmp_path)
    trees.make_cann(tmp_path, compiler="9.1.0")
    version("2.10.0")
    assert host.look(tmp_path, READY).missing == ()


def test_the_table_of_versions_is_mindspore_s_own():
    assert host.COMPILERS[__version__] == tuple(AscendEnvChecker(None).version)


@pytest.mark.parametrize("kind", ["310", "310P"])
def test_a_serving_host_needs_lite_and_not_mindspore(tmp_path, version, packages, kind):
    trees.make_cards(tmp_path, [kind])
    trees.make_driver(tmp_path)
    trees.make_cann(tmp_path)
    version("")
    packages.clear()
    assert host.look(tmp_path, READY).is_for_serving
    line = only_missing(tmp_path)
    assert line.startswith("MindSpore Lite: set LITE_HOME") and "ascend310_infer/README.md" in line
    gone = {**READY, "LITE_HOME": str(tmp_path / "gone")}
    assert only_missing(tmp_path, gone).endswith(f"LITE_HOME={tmp_path}/gone is not a folder")
    for name in ("LITE_HOME", "MSLITE_HOME"):
        assert host.look(tmp_path, {**READY, name: str(tmp_path)}).missing == ()


def test_files_of_odd_content_leave_a_version_unknown(training_host):
    info = training_host / "usr/local/Ascend/ascend-toolkit/latest/compiler/version.info"
    info.write_bytes(b"\xff\x00no version\n")
    found = host.look(training_host, READY)
    assert found.missing == ()
    assert f"CANN       version unknown, {info.parents[1]}" in found.report()


def test_run_as_a_program(tiny, tmp_path):
    """In a folder that is a model's alone; this process's real packages, from PYTHONPATH."""
    trees.make_cards(tmp_path, ["910A"])
    trees.make_driver(tmp_path)
    _, site = trees.make_cann(tmp_path)
    theirs = trees.make_theirs(tmp_path / "theirs", trees.THEIRS[:-1])
    # Not scipy: the real one, which MindSpore needs, comes with the interpreter.
    done = trees.run_host(tiny.folder, tmp_path, trees.environment(site, theirs, **READY))
    lines = done.stdout.splitlines()
    assert done.returncode == 2 and not done.stderr
    assert lines[0].startswith("system     Linux ") and f"MindSpore  {__version__}" in lines
    assert "missing    what CANN's Python packages import: pip install absl-py" in lines
    assert not [line for line in lines if "Python packages te" in line or "hccl" in line]
    done = trees.run_host(tiny.folder, tmp_path / "nothing", os.environ)
    assert done.returncode == 0 and "no Ascend card" in done.stdout


def test_as_json_for_programs(training_host, monkeypatch, capsys):
    """As performance.json takes it; the root may come before or after."""
    for words in (["--json", str(training_host)], [str(training_host), "--json"]):
        monkeypatch.setenv("ASCEND_OPP_PATH", "/opp")
        assert host.main(words) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["kinds"] == 8 * ["910A"] and found["cann_version"] == "8.5.0.1.220"
        assert found["missing"] == []


def test_a_package_is_looked_for_without_importing_it():
    assert host._is_there("json") and host._is_there("json.decoder")
    assert not host._is_there("no_such_package") and not host._is_there("no_such_package.part")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["Ascend", "GPU"])
def test_a_program_that_is_asked_for_a_card_ends_in_one_line(tiny, target):
    line = tiny.refuse("train.py", "--device_target", target, "--train_url", f"card_{target}")
    start = f"error: device_target {target} does not work here: Unsupported device target {target}"
    assert line.startswith(start)
    assert ("`python -m src.model_utils.host` shows" in line) == (target == "Ascend")
    assert not (tiny.folder / f"card_{target}").exists()


def test_the_page_of_the_910_host_has_the_same_versions():
    page = (REPOSITORY / "scripts" / "HOST_910.md").read_text()
    rows = re.findall(
        r"^\| (2\.\d+\.\d+) \| [^|]+ \| ([\d., ]+) \|.*\| (\S[^|]*) \| yes \|$", page, re.M
    )
    assert {version: tuple(found.split(", ")) for version, found, _ in rows} == host.COMPILERS
    for_910a = [version for version, _, said in rows if said.startswith("yes")]
    assert for_910a[-1] == host.NEWEST_FOR_910A
