"""The quickstart program: which steps it runs, what it shows at the end, the verdict."""

import runpy
import signal
import sys
from types import SimpleNamespace

import pytest

from scripts.quickstart import __main__ as program
from scripts.quickstart import steps as steps_module
from scripts.quickstart.comparison import print_table, read_log, verdict
from scripts.quickstart.steps import Steps


class Recorder(Steps):
    """Steps that are noted instead of run; each leaves a log."""

    ran, pages = [], []

    def run(self, name, *words):
        self.ran.append((name, *words))
        (self.folder / f"{name}.log").write_text(f"table of {name}\n")

    def seconds(self):
        return 61.4


@pytest.fixture
def quickstarts(tmp_path, monkeypatch):
    """Two models with made-up quickstarts, in a repository of their own: (what ran, handlers)."""

    def quickstart(folder):
        steps = (("train", "train.py", "{folder}/x"), ("compare", "-m", "module"))
        return SimpleNamespace(folder=folder, steps=steps, images="*.png")

    handlers, pages = {}, []
    models = {
        "one": SimpleNamespace(quickstarts={"": quickstart("a"), "flow": quickstart("b")}),
        "two": SimpleNamespace(quickstarts={"": quickstart("c")}),
    }
    monkeypatch.setattr(Recorder, "ran", [])
    monkeypatch.setattr(program, "MODELS", models)
    monkeypatch.setattr(program, "Steps", Recorder)
    monkeypatch.setattr(program, "ROOT", tmp_path)
    monkeypatch.setattr(program.signal, "signal", handlers.__setitem__)

    def write_page(folder, *rest):
        pages.append(rest)
        return folder / "i"

    monkeypatch.setattr(program, "write_page", write_page)
    monkeypatch.setattr(Recorder, "pages", pages)
    return Recorder.ran, handlers


@pytest.mark.parametrize(
    ("words", "model", "folder"),
    [(["one"], "one", "a"), (["one", "flow"], "one", "b"), (["two"], "two", "c")],
)
def test_the_steps_of_a_quickstart_run_and_its_last_log_is_shown(
    quickstarts, tmp_path, capsys, words, model, folder
):
    assert program.main(words) == 0
    python, out = sys.executable, tmp_path / "out" / folder
    assert quickstarts[0] == [
        ("train", python, f"{tmp_path}/{model}/train.py", f"{out}/x"),
        ("compare", python, "-m", "module"),
    ]
    assert capsys.readouterr().out.splitlines() == [
        *("table of compare", "", f"images: {out}/*.png", "all steps took 61 s"),
        f"look at it in a browser: {out}/i",
    ]
    ((name, title, steps),) = Recorder.pages
    assert name == model and title == f"Quickstart: {' '.join(words)}"
    assert steps == [(step, list(command)) for step, *command in quickstarts[0]]


@pytest.mark.parametrize(
    "words",
    [[], ["three"], ["one", "pose"], ["one", "", "x"], ["one", "flow", "x"], ["--check", "three"]],
)
def test_words_that_name_no_quickstart_print_all_of_them(quickstarts, capsys, words):
    assert program.main(words) == 2
    assert not quickstarts[0]
    out, err = capsys.readouterr()
    assert not out and err.splitlines() == [
        "usage: bash scripts/quickstart.sh one",
        "       bash scripts/quickstart.sh one flow",
        "       bash scripts/quickstart.sh two",
    ]


@pytest.mark.parametrize("words", [["one"], ["one", "flow"]])
def test_a_check_runs_nothing(quickstarts, capsys, words):
    assert program.main(["--check", *words]) == 0
    assert not quickstarts[0] and capsys.readouterr() == ("", "")


def test_a_stop_ends_it_as_a_shell_would_say(quickstarts):
    """By SystemExit, so that the running step is asked to stop."""
    program.main(["one"])
    with pytest.raises(SystemExit) as caught:
        quickstarts[1][signal.SIGTERM](signal.SIGTERM, None)
    assert caught.value.code == 143


def test_it_runs_as_a_module(monkeypatch):
    monkeypatch.setattr(steps_module, "Steps", None)  # nothing may run
    monkeypatch.setattr(sys, "argv", ["program", "--check", "midas"])
    monkeypatch.delitem(sys.modules, "scripts.quickstart.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("scripts.quickstart", run_name="__main__")
    assert caught.value.code == 0


def test_the_table_has_a_column_for_each_rival(capsys):
    print_table(
        ["abs_rel", "rmse"],
        {"constant": {"abs_rel": 0.5, "rmse": 2}, "fine": {"rmse": 1.00004, "abs_rel": 0.25}},
    )
    assert capsys.readouterr().out.splitlines() == [
        "                        constant        fine",
        "abs_rel                   0.5000      0.2500",
        "rmse                      2.0000      1.0000",
    ]


def test_a_log_gives_back_its_tables_and_the_other_lines(capsys):
    first = {"mean map": {"abs_rel": 0.5, "a name of 20 letters": 123.25}}
    first["straight on"] = {"abs_rel": -0.25, "a name of 20 letters": 1.5}
    second = {"network": {"ATE 5": 0.125}, "constant": {"ATE 5": 2.0}}
    print("opened 3 pairs")
    print_table(first["mean map"], first)
    verdict("its error", 0.5)
    print_table(["ATE 5"], second)
    print("            indented, no table")
    print(f"{'too many':20}{1:12.4f}{2:12.4f}{3:12.4f}")
    tables, rest = read_log(capsys.readouterr().out)
    assert tables == [first, second]
    text = "its error is 50 % below the constant's (wanted: 25 % below)"
    assert rest[:-1] == ["opened 3 pairs", text, "            indented, no table"]
    assert rest[-1].split() == ["too", "many", "1.0000", "2.0000", "3.0000"]


def test_the_verdict_names_what_was_wanted_to_the_percent(capsys, monkeypatch):
    monkeypatch.setattr("scripts.quickstart.comparison.MARGIN", 1.0)
    assert verdict("its error", 1.0) == 0
    text = "its error is 100 % below the constant's (wanted: 100 % below)\n"
    assert capsys.readouterr().out == text


@pytest.mark.parametrize(
    ("gain", "status", "shown"),
    [
        (0.25, 0, "25 % below"),
        (0.24, 1, "24 % below"),
        (1.0, 0, "100 % below"),
        (-1.5, 1, "150 % above"),
        (float("nan"), 1, "nan % below"),
    ],
)
def test_the_verdict_wants_a_quarter_less(capsys, gain, status, shown):
    assert verdict("its error", gain) == status
    line = f"its error is {shown} the constant's (wanted: 25 % below)\n"
    assert capsys.readouterr().out == line
