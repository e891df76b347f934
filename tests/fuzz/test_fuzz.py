"""Damaged files end in success or in one line: no traceback, no crash, no hang, below 2 GiB.

FUZZ_COUNT and FUZZ_SEED choose other numbers of mutations and other damage; an input that fails is
kept in FUZZ_KEEP (default: a temporary folder). By hand: python -m tests.fuzz --help.
"""

import ast
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.table import READERS

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "tests.fuzz"]
SLOW = {"graph without checksum", "saved configuration", "config.yaml"}
SLOW |= {"footage to train on", "frames taken out of a video"}
MODELS = sorted(path.parent.name for path in ROOT.glob("*/config.yaml"))
SOURCES = [f"{model}/{part}" for model in MODELS for part in ("src", "prepare")] + ["scripts"]

# Calls that open or parse a file; of `load` those of these modules.
_OPENERS = {"DictReader", "File", "InferenceSession", "VideoCapture", "ZipFile", "fromfile"}
_OPENERS |= {"imdecode", "imread", "load_checkpoint", "loadmat", "memmap", "mmap", "open"}
_OPENERS |= {"read_bytes", "read_text", "safe_load", "loads"}
_LOADERS = {"json", "ms", "np", "pickle", "yaml"}

_OTHERS = "hands its files to load_networks"
_WRITTEN = "loads back what it has just written"
_OWN = "reads the program's own sources"
_SYSTEM = "reads /proc"
_LOG = "shows the log of a process that it has started, whatever is in it"
_STEP = "reads what the step before it in the same quickstart has written"
EXEMPT = {
    "depthnet/src/prediction.py:load_stage": _OTHERS,
    "depthnet/src/exporting.py:load_graph_network": _OTHERS,
    "geonet/src/preparation/command_line.py:run": "opens /dev/null",
    "midas/src/model_utils/graph.py:_difference": _WRITTEN,
    "midas/src/model_utils/graph_cache.py:_content": _OWN,
    "midas/src/model_utils/graph_cache.py:_pack": "reads what MindSpore has just written",
    "midas/src/model_utils/program.py:run": "opens /dev/null",
    "midas/src/prediction.py:load_predict": _OTHERS,
    "scripts/launching/__main__.py:usage": _OWN,
    "scripts/launching/msrun.py:_children": _SYSTEM,
    "scripts/launching/msrun.py:_environ": _SYSTEM,
    "scripts/launching/msrun.py:_parent": _SYSTEM,
    "scripts/launching/msrun.py:_read_log": _LOG,
    "scripts/launching/performance.py:_device": _LOG,
    "scripts/launching/performance.py:_host": "reads what a program of the model has printed",
    "scripts/launching/rank_table.py:local_addresses": _SYSTEM,
    "scripts/launching/supervise.py:_mute": "opens /dev/null",
    "scripts/launching/supervise.py:pump": _LOG,
    "scripts/launching/supervise.py:tail": _LOG,
    "scripts/quickstart/__main__.py:main": _LOG,
    "scripts/quickstart/compare_depthnet.py:main": _STEP,
    "scripts/quickstart/compare_midas.py:main": _STEP,
    "scripts/quickstart/compare_geonet.py:main": _STEP,
    "scripts/quickstart/compare_geonet_flow.py:object_map": _STEP,
    "scripts/quickstart/compare_monodepth2.py:main": _STEP,
    "scripts/quickstart/comparison.py:read_log": _LOG,
    "scripts/quickstart/page.py:write_page": _STEP,
    "scripts/quickstart/progress.py:look": _LOG,
    "scripts/quickstart/steps.py:run": _LOG,
    "scripts/quickstart/steps.py:seconds_of": _STEP,
    "scripts/serving/__main__.py:run_stage": _LOG,
    "scripts/serving/__main__.py:usage": _OWN,
}


def _opens(call):
    """Whether a call opens a file to read it, or parses what was read."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    if name == "open":
        modes = [a.value for a in call.args if isinstance(a, ast.Constant)]
        return not any(str(mode)[:1] in ("w", "a", "x") for mode in modes)
    if name == "load":
        return getattr(getattr(call.func, "value", None), "id", "") in _LOADERS
    return name in _OPENERS


def _own_nodes(function):
    """The nodes of a function without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)


def functions_that_read():
    """path:name of every function that opens a file, or whose public name says that it reads."""
    found = set()
    for path in (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef):
                continue
            opens = any(isinstance(n, ast.Call) and _opens(n) for n in _own_nodes(node))
            if opens or node.name.startswith(("read_", "load_")):
                found.add(_one_copy(f"{path.relative_to(ROOT)}:{node.name}"))
    return found


def _one_copy(place):
    """The copies of model_utils and of sfm_utils are identical, so any of them counts."""
    for name, model in (("model_utils", "midas"), ("sfm_utils", "monodepth2")):
        _, _, below = place.partition(f"/src/{name}/")
        if below:
            return f"{model}/src/{name}/{below}"
    return place


@pytest.fixture(scope="module")
def server():
    """A process that has imported everything and run no operation, from which children fork."""
    process = subprocess.Popen(
        [*COMMAND, "--serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.stdin.close()
    process.wait(60)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in READERS]
)
def test_damage_ends_in_one_line(server, name, tmp_path):
    keep = os.environ.get("FUZZ_KEEP", str(tmp_path))
    numbers = [os.environ.get("FUZZ_COUNT", "60"), os.environ.get("FUZZ_SEED", "0")]
    words = [name, "--count", numbers[0], "--seed", numbers[1], "--keep", keep]
    server.stdin.write(shlex.join(words) + "\n")
    server.stdin.flush()
    result = json.loads(server.stdout.readline())
    assert sum(result["counts"].values()) == int(numbers[0])
    assert not result["failures"], "\n\n".join(result["failures"])
    noticed = result["counts"].get("refused") or READERS[name].skips
    assert noticed, "no damage was noticed: the files were not reached"


@pytest.mark.slow
def test_every_function_that_reads_files_is_in_the_table():
    out = subprocess.run([*COMMAND, "--calls"], cwd=ROOT, capture_output=True, text=True).stdout
    called = {_one_copy(line) for line in out.splitlines()}
    missing = functions_that_read() - called - set(EXEMPT)
    assert not missing, f"add a reader to tests/fuzz for {sorted(missing)}"
    idle = set(EXEMPT) & called | set(EXEMPT) - functions_that_read()
    assert not idle, f"no longer exempt: {sorted(idle)}"
