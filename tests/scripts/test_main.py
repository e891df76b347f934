"""The launchers' own program, called directly: plans, starts, reports, usage, exit statuses."""

import os
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.launching import __main__ as program
from scripts.launching.checks import RunError, UsageError
from scripts.launching.jobs import Job
from scripts.launching.msrun import RunningMsrun
from scripts.launching.supervise import Running
from tests.scripts.launchers import PROGRAM, VARIABLES


@pytest.fixture
def call(tmp_path, data, monkeypatch):
    """call(script, *words) runs a launcher in this process; the models are fakes."""
    for name in (*VARIABLES, program._DETACHED, "BEHAVIOUR"):
        monkeypatch.delenv(name, raising=False)
    for model in program.MODELS:
        folder = tmp_path / "models" / model
        folder.mkdir(parents=True)
        for name in ("train", "eval", "export"):
            (folder / f"{name}.py").write_text(PROGRAM)
    (tmp_path / "records").mkdir()
    monkeypatch.setenv("ZOO_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("RECORDS", str(tmp_path / "records"))
    monkeypatch.setenv("LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.chdir(tmp_path)
    return lambda script, *words: program.main([f"/x/{script}.sh", *map(str, words)])


def shown(capfd):
    out, err = capfd.readouterr()
    return out.splitlines(), err.splitlines()


# What is printed.


def test_the_usage_is_the_header_and_a_line_for_each_model_that_is_served(monkeypatch):
    lines = program.usage("run_standalone_train").splitlines()
    header = (program.ROOT / "scripts" / "run_standalone_train.sh").read_text().splitlines()
    assert lines[0] == header[1].removeprefix("# ") and lines[-5] == "Arguments:"
    assert lines[-4:] == [
        "  bash scripts/run_standalone_train.sh depthnet DATASET_PATH DEVICE_ID",
        "  bash scripts/run_standalone_train.sh geonet DATASET_DIR DEVICE_ID",
        "  bash scripts/run_standalone_train.sh midas DEVICE_ID CKPT_PATH",
        "  bash scripts/run_standalone_train.sh monodepth2 DATASET_PATH DEVICE_ID",
    ]
    some = {"midas": program.MODELS["midas"], "depthnet": SimpleNamespace(commands={})}
    monkeypatch.setattr(program, "MODELS", some)
    assert program.usage("run_standalone_train").splitlines()[-2:] == ["Arguments:", lines[-2]]


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["--help", "depthnet"]])
def test_help_is_an_answer(call, capfd, words):
    assert call("run_eval", *words) == 0
    out, err = capfd.readouterr()
    assert out == program.usage("run_eval") + "\n" and not err


def test_no_word_at_all_is_a_mistake(call, capfd):
    assert call("run_eval") == 2
    assert capfd.readouterr() == ("", program.usage("run_eval") + "\n")


def test_no_word_in_a_model_s_folder_is_about_that_model(call, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path / "models" / "midas")
    assert call("run_eval") == 2
    out, err = shown(capfd)
    usage = "usage: bash scripts/run_eval.sh midas DEVICE_ID DATA_NAME [CKPT_PATH] [DEVICE_TARGET]"
    assert not out and err == ["error: midas needs DEVICE_ID", usage]


def test_a_mistake_is_told_with_the_usage_of_the_model_that_is_named(call, capfd):
    assert call("run_export", "depthnet", "x") == 2
    usage = "usage: bash scripts/run_export.sh depthnet coarse|fine|both"
    error = "error: coarse|fine|both: 'x' is not one of coarse, fine, both"
    assert shown(capfd) == ([], [error, usage])
    assert call("run_export", "resnet") == 2
    error = "error: unknown model 'resnet'; the models are depthnet, geonet, midas, monodepth2"
    assert shown(capfd) == ([], [error])


def test_a_command_that_a_model_has_not_shows_no_usage_of_it(call, capfd, monkeypatch):
    some = {**program.MODELS, "midas": SimpleNamespace(commands={})}
    for module in (program, sys.modules["scripts.launching.request"]):
        monkeypatch.setattr(module, "MODELS", some)
    assert call("run_export", "midas") == 2
    assert shown(capfd) == ([], ["error: run_export.sh does not serve midas"])


def test_two_switches_that_contradict_each_other(call, capfd, data, monkeypatch):
    monkeypatch.setenv("FOREGROUND", "1")
    assert call("run_eval", "depthnet", data, "--dry_run") == 0
    monkeypatch.setenv("BACKGROUND", "1")
    capfd.readouterr()
    assert call("run_eval", "depthnet", data, "--dry_run") == 2
    assert shown(capfd)[1][0] == "error: BACKGROUND=1 and FOREGROUND=1 contradict each other"


def test_a_plan_is_a_note_and_two_lines_for_each_process(call, capfd, data, tmp_path):
    job = Job("a", ("x",), tmp_path, tmp_path / "log")
    program.print_plan("note", [[job, job], [job]])
    line = job.shell_line()
    assert shown(capfd)[0] == ["# note", *(3 * ["# a", line])]
    assert call("run_distribute_train", "depthnet", data, 2, "--dry_run") == 0
    out, _ = shown(capfd)
    assert out[:2] == ["# 2 workers on this host through msrun", "# msrun"] and len(out) == 3
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("script", "words", "stages"),
    [
        ("run_standalone_train", "depthnet {data} 0", [["train"]]),
        ("run_eval", "depthnet {data}", [["eval"]]),
        ("run_distribute_train", "depthnet {data} 2", [["msrun"]]),
        ("run_train_gpu", "2 0,1 depthnet", [["msrun"]]),
        ("train_full_1p", "depthnet --data_path={data} --output_path=o", [["train"], ["eval"]]),
        ("train_performance_1p", "depthnet --data_path={data}", [["train"]]),
    ],
)
def test_what_runs_together_and_what_in_turn(call, tmp_path, script, words, stages):
    (tmp_path / "data").symlink_to(tmp_path / "data set")
    words = words.format(data=tmp_path / "data").split()
    if script == "run_train_gpu":
        words = ["depthnet", "2", "0,1", str(tmp_path / "data")]
    request = program.parse(script, words)
    note, planned = program.build(request)
    assert [[job.name for job in jobs] for jobs in planned] == stages
    assert bool(note) == (script == "run_distribute_train")


# What is started.


@pytest.mark.parametrize("status", [0, 3])
def test_a_run_in_the_foreground(call, capfd, data, tmp_path, monkeypatch, status):
    monkeypatch.setenv("BEHAVIOUR", f"0:exit {status}")
    assert call("run_eval", "depthnet", data) == status
    out, err = shown(capfd)
    log = tmp_path / "logs" / "eval.log"
    assert out == [f"log of eval: {log}", f"eval of rank 0: exit {status}"]
    assert bool(err) == bool(status)
    assert (tmp_path / "logs" / "status").read_text() == f"{status}\n"
    assert sorted(os.listdir(tmp_path / "logs")) == ["eval.log", "status"]


def test_the_log_of_each_rank_is_named(call, capfd, data, tmp_path, monkeypatch):
    """And the note of what runs, before any of it does."""
    monkeypatch.setattr(program, "run_stages", lambda request, stages: 5)
    assert call("run_distribute_train", "depthnet", data, 2) == 5
    logs = tmp_path / "logs"
    assert shown(capfd)[0] == [
        "2 workers on this host through msrun",
        f"log of msrun: {logs}/msrun.log",
        f"log of rank 0: {logs}/rank_0.log",
        f"log of rank 1: {logs}/rank_1.log",
    ]


def test_what_is_made_up_of_ranks_is_watched_as_msrun(monkeypatch, tmp_path):
    for kind in (Running, RunningMsrun):
        monkeypatch.setattr(program, kind.__name__, lambda job, kind=kind: kind)
    log = tmp_path / "log"
    assert program._start_job(Job("a", ("x",), tmp_path, log)) is Running
    assert program._start_job(Job("a", ("x",), tmp_path, log, rank_logs={0: log})) is RunningMsrun


class Recorder:
    """Stands for Supervisor: notes its arguments, and ends as it is told."""

    made, statuses, stopped = [], [], None

    def __init__(self, jobs, *, start, show, grace, enough):
        self.stopped_by = self.stopped
        self.made.append(SimpleNamespace(jobs=jobs, show=show, grace=grace, enough=enough))

    def run(self):
        return self.statuses.pop(0) if self.statuses else 0


@pytest.fixture
def supervised(monkeypatch):
    """The arguments of each Supervisor; set `statuses` and `stopped` of Recorder for its end."""
    monkeypatch.setattr(Recorder, "made", [])
    monkeypatch.setattr(Recorder, "statuses", [])
    monkeypatch.setattr(Recorder, "stopped", None)
    monkeypatch.setattr(program, "Supervisor", Recorder)
    return Recorder.made


def full(data, tmp_path):
    (tmp_path / "o").mkdir(exist_ok=True)
    (tmp_path / "o" / "eval_metrics.json").write_text('{"rmse": 1.25}')
    return ("train_full_1p", "depthnet", f"--data_path={data}", f"--output_path={tmp_path}/o")


def test_a_pipeline_runs_in_turn_and_reports(call, capfd, data, tmp_path, supervised):
    assert call(*full(data, tmp_path)) == 0
    assert [[job.name for job in made.jobs] for made in supervised] == [["train"], ["eval"]]
    assert not any(made.enough() for made in supervised)
    assert shown(capfd)[0][2:] == [
        f"final metrics ({tmp_path}/o/eval_metrics.json):",
        "  rmse: 1.25",
    ]


@pytest.mark.parametrize(("status", "stopped"), [(4, None), (0, "SIGTERM")])
def test_a_pipeline_ends_with_the_stage_that_fails_or_is_stopped(
    call, capfd, data, tmp_path, supervised, status, stopped
):
    Recorder.statuses.append(status)
    Recorder.stopped = stopped
    assert call(*full(data, tmp_path)) == status
    assert len(supervised) == 1 and "final metrics" not in capfd.readouterr().out
    assert (tmp_path / "logs" / "status").read_text() == f"{status}\n"


def test_the_log_is_shown_and_the_grace_time_a_minute_unless_told_otherwise(
    call, data, supervised, monkeypatch
):
    call("run_eval", "depthnet", data)
    monkeypatch.setenv(program._DETACHED, "1")
    monkeypatch.setenv("STOP_GRACE", "1.5")
    call("run_eval", "depthnet", data)
    assert [(made.show, made.grace) for made in supervised] == [(True, 60.0), (False, 1.5)]


@pytest.mark.parametrize("text", ["soon", "-1", "1.", "1e3", "nan", "1.5 s"])
def test_a_grace_time_is_a_number_of_seconds(call, capfd, data, tmp_path, monkeypatch, text):
    monkeypatch.setenv("STOP_GRACE", text)
    assert call("run_eval", "depthnet", data) == 2
    assert shown(capfd)[1][0] == f"error: STOP_GRACE={text}: must be a number of seconds"
    assert (tmp_path / "logs" / "status").read_text() == "2\n"


def test_an_empty_variable_counts_as_none(monkeypatch):
    monkeypatch.setenv("STOP_GRACE", "")
    assert program.seconds("STOP_GRACE", "7") == 7.0
    monkeypatch.setenv("STOP_GRACE", "0")
    assert program.seconds("STOP_GRACE", "7") == 0.0


def write_rows(folder, count):
    rows = "".join(f"coarse,{step},1.0,4,0\n" for step in range(count))
    (folder / "metrics.csv").write_text(f"stage,step,loss,examples_per_s,wait_share\n{rows}")
    (folder / "config.yaml").write_text("batch_size: 4\n")


def test_a_performance_run_has_enough_with_its_steps(
    call, capfd, data, tmp_path, supervised, monkeypatch
):
    (tmp_path / "o").mkdir()
    monkeypatch.setattr(Recorder, "run", lambda self: write_rows(tmp_path / "o", 3) or 0)
    words = (f"--data_path={data}", f"--output_path={tmp_path}/o", "--steps=3")
    assert call("train_performance_1p", "depthnet", *words) == 0
    assert shown(capfd)[0][-1] == "1.0000 s/iter, 4.00 examples/s (mean of 2 log lines)"
    enough = supervised[0].enough
    for count, answer in ((2, False), (3, True), (4, True)):
        write_rows(tmp_path / "o", count)
        assert enough() is answer
    assert call("train_performance_1p", "depthnet", *words) == 2  # of the run before
    error = f"error: {tmp_path}/o has a metrics.csv already; give another --output_path"
    assert shown(capfd)[1][0] == error and len(supervised) == 1


def test_only_a_performance_run_minds_an_older_metrics_csv(call, data, tmp_path, supervised):
    (tmp_path / "o").mkdir()
    write_rows(tmp_path / "o", 3)
    assert call(*full(data, tmp_path)) == 0


@pytest.mark.parametrize(
    ("error", "status", "text", "left"),
    [
        (UsageError("no steps"), 2, "error: no steps", "2"),
        (RunError("damaged"), 1, "failed: damaged", "1"),
        (OSError(28, "No space left", "/x/log"), 1, "failed: /x/log: No space left", "1"),
    ],
)
def test_how_a_run_ends_is_told_and_left_in_a_file(
    call, capfd, data, tmp_path, supervised, monkeypatch, error, status, text, left
):
    def fail(self):
        raise error

    monkeypatch.setattr(Recorder, "run", fail)
    assert call("run_eval", "depthnet", data) == status
    assert shown(capfd)[1][0] == text
    assert (tmp_path / "logs" / "status").read_text() == f"{left}\n"


def test_an_end_that_nobody_foresaw_is_a_failure(call, data, tmp_path, supervised, monkeypatch):
    def fail(self):
        raise ZeroDivisionError

    monkeypatch.setattr(Recorder, "run", fail)
    with pytest.raises(ZeroDivisionError):
        call("run_eval", "depthnet", data)
    assert (tmp_path / "logs" / "status").read_text() == "1\n"


def test_a_run_in_the_background(call, capfd, data, tmp_path, monkeypatch):
    """The launcher that stays is the same one, told where it was called and not to go away."""
    started = []

    def start(command, **options):
        options["stdout"] = options["stdout"].name
        started.append((command, options))
        return SimpleNamespace(pid=77)

    monkeypatch.setattr(program.subprocess, "Popen", start)
    monkeypatch.setenv("BACKGROUND", "1")
    assert call("run_eval", "depthnet", data, "--x") == 0
    ((command, options),) = started
    words = [str(tmp_path), "run_eval", "depthnet", str(data), "--x"]
    assert command == [sys.executable, "-m", "scripts.launching", *words]
    log = tmp_path / "logs" / "launcher.log"
    assert (options["cwd"], options["stdout"]) == (program.ROOT, str(log))
    environment = options["env"]
    assert environment[program._DETACHED] == "1" and environment["BACKGROUND"] == "0"
    assert environment["LOG_DIR"] == str(tmp_path / "logs")
    # A Ctrl-C or a hang-up of the terminal is not for it.
    assert options["start_new_session"] and options["stdin"] == program.subprocess.DEVNULL
    assert shown(capfd)[0] == [
        f"log of eval: {tmp_path}/logs/eval.log",
        f"in the background: pid 77 (kill it to stop the run), messages in {log}",
        f"its exit status will be in {tmp_path}/logs/status",
    ]


def test_it_runs_in_the_caller_s_folder(call, capfd, data, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    words = [str(tmp_path), "run_eval.sh", "depthnet", "data set", "--dry_run"]
    monkeypatch.setattr(sys, "argv", ["program", *words])
    monkeypatch.delitem(sys.modules, "scripts.launching.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("scripts.launching", run_name="__main__")
    assert caught.value.code == 0 and Path.cwd() == tmp_path
    assert str(data) in capfd.readouterr().out.replace("'", "")
