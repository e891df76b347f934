"""Graphs that are kept between runs: taken where all is the same, compiled where not."""

import json
import os
import re
import shutil
import time

import mindspore as ms
import pytest
from mindspore import nn

from depthnet.src.model_utils import graph_cache
from depthnet.src.model_utils.graph_cache import with_graph_cache
from tests.conftest import REPOSITORY, Program

_HIT = "Use the compilation cache"
# What the cells of cached_graphs.py give for 0, 1, 2 (, 3): [2 x + 1] and its variants.
RESULTS = {
    "attribute": [1, 4, 7],
    "constant": [2, 4, 6],
    "class": [3, 4, 5],
    "weight": [5, 15, 25],
    "shape": [1, 3, 5, 7],
    "eager, other shape": [1, 3, 5, 7],
}


@pytest.fixture
def run(program, tmp_path):
    """run(*cases, ...) -> {case: (whether its graph was kept, is graph mode)}."""

    depthnet = program("depthnet")

    def start(*cases, folder=tmp_path / "graphs", model=depthnet, **variables):
        shown = {"GLOG_v": "2", "MS_SUBMODULE_LOG_v": "{PIPELINE:2}"}  # MindSpore tells of hits
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **shown, **variables}
        words = "-m", "tests.model_utils.cached_graphs", folder, *cases
        out, err = model.run(*words, env=environment)
        logs = re.split(r"^case .*\n", err, flags=re.MULTILINE)[1:]
        found = {}
        for case, line, log in zip(cases, out.splitlines(), logs, strict=True):
            once, again, is_graph = json.loads(line)
            assert once == again == RESULTS.get(case, [1, 3, 5]), case
            found[case] = _HIT in log, is_graph
        return found

    return start


def test_a_second_run_takes_the_graph_whatever_the_weights(run, tmp_path):
    assert run("first") == {"first": (False, True)}
    (kept,) = (tmp_path / "graphs").iterdir()
    # In a process that compiles one, MindSpore takes none that comes after it.
    cases = "second", "weight", "shape", "third"
    assert [hit for hit, _ in run(*cases).values()] == [True, True, False, False]
    assert kept.is_file() and len(list((tmp_path / "graphs").iterdir())) == 2
    assert [hit for hit, _ in run("shape", "second").values()] == [True, True]


def test_what_killed_processes_leave_behind_goes_after_a_day(run, tmp_path):
    (temporary := tmp_path / "tmp").mkdir()
    for name, days in (("old", 2), ("new", 0.5), ("another program's", 9)):
        prefix = "" if " " in name else "mindspore-depth-zoo-graphs-"
        (folder := temporary / f"{prefix}{name}").mkdir()
        (folder / "graph").write_text("")
        os.utime(folder, (then := time.time() - days * 86400, then))
    run("first", TMPDIR=str(temporary))
    left = sorted(path.name for path in temporary.iterdir() if (path / "graph").exists())
    assert left == ["another program's", "mindspore-depth-zoo-graphs-new"]
    assert len(list(temporary.glob("mindspore-depth-zoo-*"))) == 1  # nor its own


def test_operators_are_waited_for_where_nothing_is_compiled(monkeypatch, tmp_path):
    """Others run beside a Python that spins, on a core that they need."""
    calls = []
    monkeypatch.setattr(ms.runtime, "launch_blocking", lambda: calls.append(1))
    with_graph_cache(nn.ReLU(), folder=tmp_path)
    assert not calls
    with_graph_cache(nn.ReLU(), eager=True, folder=tmp_path)
    assert calls == [1]


def test_a_cell_that_compiles_nothing_is_described_only_where_its_program_has_a_graph(
    monkeypatch, tmp_path
):
    described = []
    monkeypatch.setattr(graph_cache, "_name_of", lambda cell: described.append(cell))
    monkeypatch.setattr(ms.runtime, "launch_blocking", lambda: None)
    cell = nn.ReLU()
    (tmp_path / "another-program.graph").write_text("")
    with_graph_cache(cell, eager=True, folder=tmp_path)
    assert not described
    (tmp_path / f"{graph_cache._program(ms.__version__)}-other.graph").write_text("")
    with_graph_cache(cell, eager=True, folder=tmp_path)
    with_graph_cache(cell, folder=tmp_path / "new")
    assert described == [cell, cell]


@pytest.mark.slow
def test_what_a_graph_depends_on_is_part_of_its_name(run, tmp_path):
    run("first")
    others = "shape", "attribute", "constant", "class", "precision", "cpu form", "version"
    assert {hit for hit, _ in run(*others).values()} == {False}
    assert len(list((tmp_path / "graphs").iterdir())) == 1 + len(others)


@pytest.mark.slow
def test_another_source_gives_another_graph(run, program, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(program("depthnet").folder, copy)
    assert run("first", model=Program(copy))["first"][0] is False
    assert run("first", model=Program(copy))["first"][0] is True
    with (copy / "src" / "losses.py").open("a") as file:
        file.write("\n")
    assert run("first", model=Program(copy))["first"][0] is False


@pytest.mark.slow
def test_a_single_image_takes_a_kept_graph_and_compiles_none(run, tmp_path):
    assert run("eager") == {"eager": (False, False)}
    assert not (tmp_path / "graphs").exists()
    run("first")
    found = run("eager", "eager, other shape")
    assert found == {"eager": (True, True), "eager, other shape": (False, False)}
    assert len(list((tmp_path / "graphs").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 9, -1])
def test_a_damaged_graph_is_compiled_again(run, tmp_path, left):
    run("first")
    (kept,) = (tmp_path / "graphs").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:left])
    assert run("eager")["eager"] == (False, False)
    assert run("first")["first"][0] is False
    assert run("first")["first"][0] is True and len(kept.read_bytes()) == len(whole)


@pytest.mark.slow
def test_what_cannot_be_kept_runs_all_the_same(run, tmp_path):
    assert run("unknown") == {"unknown": (False, True)}
    assert not (tmp_path / "graphs").exists()
    (tmp_path / "file").write_text("")
    assert run("first", folder=tmp_path / "file" / "graphs")["first"] == (False, True)


@pytest.mark.slow
def test_a_cache_that_the_user_switched_on_is_left_to_mindspore(run, tmp_path):
    own = {"MS_COMPILER_CACHE_ENABLE": "1", "MS_COMPILER_CACHE_PATH": str(tmp_path / "own")}
    assert run("first", **own)["first"] == (False, True)
    assert list((tmp_path / "own").rglob("*.mindir")) and not (tmp_path / "graphs").exists()
    assert run("first", **own)["first"][0] is True


def test_other_devices_compile_as_ever(monkeypatch):
    monkeypatch.setattr(graph_cache, "device_target", lambda: "Ascend")
    cell = nn.ReLU()
    assert with_graph_cache(cell) is cell and with_graph_cache(cell, eager=True) is cell


@pytest.mark.slow
def test_the_graphs_not_used_for_longest_go(run, tmp_path):
    run("first")
    (kept,) = (tmp_path / "graphs").iterdir()
    others = [tmp_path / "graphs" / f"{number}.graph" for number in range(39)]
    for number, other in enumerate(others):
        other.write_bytes(b"")
        os.utime(other, (number, number))
    os.utime(kept, (0, 0))
    run("first", "shape")
    assert kept.is_file() and not others[0].exists() and others[1].exists()
    assert len(list((tmp_path / "graphs").iterdir())) == 40


def test_the_folder_lies_where_caches_do(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert graph_cache.default_folder() == tmp_path / "mindspore_depth_zoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert graph_cache.default_folder() == tmp_path / ".cache" / "mindspore_depth_zoo"


def test_without_a_home_nothing_is_kept(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 2)  # a user without an entry
    assert graph_cache.default_folder() is None
    cell = nn.ReLU()
    assert with_graph_cache(cell) is cell


def test_a_full_disk_costs_the_cache_only(monkeypatch, tmp_path):
    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("MS_COMPILER_CACHE_ENABLE", "0")
    monkeypatch.setattr(graph_cache, "_place", full)
    with graph_cache._shown(tmp_path / "a.graph"):
        assert os.environ["MS_COMPILER_CACHE_ENABLE"] == "0"
    assert not list(tmp_path.iterdir())


def _mixed(dtype):
    return nn.ReLU().to_float(dtype).mixed_precision_type


def test_attributes_are_named_by_what_they_hold():
    dense = nn.Dense(2, 2)
    assert graph_cache._name_of(dense) == graph_cache._name_of(nn.Dense(2, 2))
    values = [1, 1.0, "1", None, (1,), {"a": 1}, {1, 2}, ms.ops.MatMul(), ms.ops.MatMul(True)]
    values += [ms.float16, ms.float32, ms.Tensor([1]), ms.Tensor([2]), ms.Tensor([1], ms.float32)]
    values += [ms.ops.relu, ms.ops.tanh, *map(_mixed, (ms.float16, ms.float32))]
    names = set()
    for value in values:
        dense.thing = value
        names.add(graph_cache._name_of(dense))
    assert len(names) == len(values) and None not in names
