"""Processes of a rank-table start and of single runs: logs, failures, signals, exit statuses."""

import json
import os
import re
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.scripts.launchers import server_id


def wait_for(*paths, seconds=30):
    """Wait until the files exist."""
    end = time.monotonic() + seconds
    while not all(path.exists() for path in paths):
        assert time.monotonic() < end, f"{[p.name for p in paths if not p.exists()]} not written"
        time.sleep(0.02)


@contextmanager
def inherited(number, handler):
    """Processes started meanwhile have this handler of a signal."""
    previous = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, previous)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def record(launchers, name, rank=0):
    """What a fake program noted of itself."""
    return json.loads((launchers.records / f"{name}_{rank}.json").read_text())


@pytest.fixture
def ranks(launchers, data, rank_table):
    """ranks(behaviour, **options): arguments and variables of a 4-rank start on this host."""

    def call(behaviour, **variables):
        arguments = ("run_distribute_train", "depthnet", data, rank_table(1, 4))
        options = {"SERVER_ID": server_id(0), "RANK_TABLE_START": "1", "BEHAVIOUR": behaviour}
        return arguments, {**options, **variables}

    return call


def test_every_rank_runs_with_its_environment_and_log(launchers, ranks, data):
    stale = {"MS_ROLE": "MS_WORKER", "MS_NODE_ID": "7", "RANK_ID": "9", "DEVICE_ID": "9"}
    arguments, variables = ranks("", **stale)
    out, err = launchers.run(*arguments, **variables)
    for rank in range(4):
        noted = record(launchers, "train", rank)
        assert noted["environ"] == {
            "RANK_ID": str(rank),
            "RANK_SIZE": "4",
            "DEVICE_ID": str(rank),
            "RANK_TABLE_FILE": str(arguments[3]),
            "HCCL_CONNECT_TIMEOUT": "600",
        }
        assert noted["arguments"][:4] == ["--data_url", str(data), "--run_distribute", "True"]
        assert noted["cwd"] == str(launchers.models / "depthnet")
        log = launchers.logs / f"rank_{rank}.log"
        assert log.read_text() == f"train of rank {rank}: exit 0\n"
        assert f"log of rank {rank}: {log}\n" in out
    assert "train of rank 0: exit 0" in out and "train of rank 1" not in out
    assert (launchers.logs / "status").read_text() == "0\n"
    assert not err


def test_a_dead_rank_stops_the_others(launchers, ranks):
    """Rank 2 fails; 0 and 1 save on SIGTERM, 3 ignores it and is killed after the grace time."""
    behaviour = "0:hang;1:hang;2:exit 7;3:stubborn"
    arguments, variables = ranks(behaviour, STOP_GRACE="1.5")
    began = time.monotonic()
    _, err = launchers.run(*arguments, status=7, **variables)
    assert time.monotonic() - began < 20
    assert "rank 2 failed: stopping 3 process(es), SIGKILL in 1.5 s" in err
    assert "rank 2 failed with exit status 7; the end of" in err
    assert "    train of rank 2: exit 7" in err
    assert "rank 3 failed" not in err and "rank 0 failed" not in err
    # A rank may be stopped before it hangs, so only those that were ready can have saved.
    for rank in (0, 1):
        ready = (launchers.records / f"train_{rank}.json.ready").exists()
        log = (launchers.logs / f"rank_{rank}.log").read_text()
        assert log.endswith("saved, stopping\n") or not ready
    assert not any(is_running(record(launchers, "train", r)["pid"]) for r in range(4))
    assert (launchers.logs / "status").read_text() == "7\n"


def test_a_killed_rank_is_reported_as_a_shell_would(launchers, ranks):
    arguments, variables = ranks("0:hang;1:hang;2:hang;3:hang")
    process = launchers.start(*arguments, **variables)
    wait_for(*(launchers.records / f"train_{rank}.json.ready" for rank in range(4)))
    os.kill(record(launchers, "train", 1)["pid"], signal.SIGKILL)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 137
    assert "rank 1 failed with exit status 137" in err
    for rank in (0, 2, 3):
        assert (launchers.logs / f"rank_{rank}.log").read_text().endswith("saved, stopping\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_every_rank_as_sigterm(launchers, ranks, number):
    """All ranks save and exit 0, so the run counts as stopped well."""
    arguments, variables = ranks("0:hang;1:hang;2:hang;3:hang")
    # Whoever runs the tests under nohup, or in the background of a script, ignores some of these.
    with inherited(number, signal.SIG_DFL):
        process = launchers.start(*arguments, **variables)
    wait_for(*(launchers.records / f"train_{rank}.json.ready" for rank in range(4)))
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert f"{number.name}: stopping 4 process(es)" in err
    for rank in range(4):
        assert (launchers.logs / f"rank_{rank}.log").read_text().endswith("saved, stopping\n")


def test_a_stopped_run_that_does_not_save_is_a_failure(launchers, data):
    call = ("run_standalone_train", "depthnet", data, 0)
    process = launchers.start(*call, BEHAVIOUR="0:stubborn", STOP_GRACE="0.5")
    wait_for(launchers.records / "train_0.json.ready")
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 137 and "train failed with exit status 137" in err


def test_a_killed_run_takes_its_own_workers_along(launchers, data):
    call = ("run_standalone_train", "depthnet", data, 0)
    process = launchers.start(*call, BEHAVIOUR="0:family", STOP_GRACE="0.5")
    wait_for(launchers.records / "train_0.json.ready")
    child = int((launchers.records / "train_0.child").read_text())
    assert is_running(child)
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 137
    end = time.monotonic() + 5
    while is_running(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_running(child)


@pytest.mark.parametrize("status", [0, 1, 2])
def test_exit_status_of_a_single_run(launchers, data, status):
    call = ("run_eval", "depthnet", data)
    options = {"status": status, "BEHAVIOUR": f"0:exit {status}", "FOREGROUND": "1"}
    out, err = launchers.run(*call, **options)
    assert out.endswith(f"eval of rank 0: exit {status}\n")
    assert f"log of eval: {launchers.logs}/eval.log\n" in out
    assert (f"eval failed with exit status {status}" in err) == bool(status)
    assert (launchers.logs / "status").read_text() == f"{status}\n"


def test_logs_of_each_run_get_their_own_folder(launchers):
    for _ in range(3):
        launchers.run("run_export", "depthnet", "fine", LOG_DIR="")
    folders = list((launchers.models / "depthnet" / "logs").iterdir())
    assert len(folders) == 3
    assert all(folder.name.startswith("run_export-2") for folder in folders)
    assert all((folder / "export.log").stat().st_size for folder in folders)


def test_background(launchers, data):
    """Returns at once; the launcher that stays waits and leaves the exit status."""
    call = ("run_standalone_train", "depthnet", data, 0)
    began = time.monotonic()
    out, _ = launchers.run(*call, BACKGROUND=1, BEHAVIOUR="0:hang", STOP_GRACE=20)
    assert time.monotonic() - began < 10
    assert f"its exit status will be in {launchers.logs}/status" in out
    pid = int(out.partition("in the background: pid ")[2].split()[0])
    wait_for(launchers.records / "train_0.json.ready")
    assert is_running(pid) and not (launchers.logs / "status").exists()
    os.kill(pid, signal.SIGTERM)
    wait_for(launchers.logs / "status")
    assert (launchers.logs / "status").read_text() == "0\n"
    assert (launchers.logs / "train.log").read_text().endswith("saved, stopping\n")
    assert "SIGTERM: stopping 1 process(es)" in (launchers.logs / "launcher.log").read_text()


def test_background_failure(launchers, data):
    call = ("run_standalone_train", "depthnet", data, 0)
    launchers.run(*call, BACKGROUND=1, BEHAVIOUR="0:exit 5")
    wait_for(launchers.logs / "status")
    assert (launchers.logs / "status").read_text() == "5\n"
    assert "train failed with exit status 5" in (launchers.logs / "launcher.log").read_text()


def test_background_checks_arguments_first(launchers, data):
    assert "is not a number" in launchers.refuse(
        "run_standalone_train", "depthnet", data, "x", BACKGROUND=1
    )
    assert not launchers.logs.exists()


def test_nohup(launchers, data):
    """A hang-up that the caller ignores stays ignored."""
    call = ("run_standalone_train", "depthnet", data, 0)
    with inherited(signal.SIGHUP, signal.SIG_IGN):
        process = launchers.start(*call, BEHAVIOUR="0:hang")
    wait_for(launchers.records / "train_0.json.ready")
    process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=30) == 0


def test_readers_that_leave_do_not_stop_the_run(launchers, ranks):
    """Both outputs closed (`| head`, a lost terminal): the ranks are still watched over."""
    arguments, variables = ranks("0:hang;1:hang;2:hang;3:hang")
    process = launchers.start(*arguments, **variables)
    wait_for(*(launchers.records / f"train_{rank}.json.ready" for rank in range(4)))
    process.stdout.close()
    process.stderr.close()
    with (launchers.logs / "rank_0.log").open("a") as log:
        log.write("one more line\n")  # nobody can be shown it
    time.sleep(0.5)
    assert process.poll() is None
    os.kill(record(launchers, "train", 3)["pid"], signal.SIGKILL)
    assert process.wait(timeout=30) == 137
    assert (launchers.logs / "status").read_text() == "137\n"
    assert (launchers.logs / "rank_1.log").read_text().endswith("saved, stopping\n")


def test_full_stops_at_the_first_failure(launchers, data, tmp_path):
    call = ("depthnet", f"--data_path={data}", f"--output_path={tmp_path}/o")
    launchers.run("train_full_1p", *call, status=3, BEHAVIOUR="0:exit 3")
    assert (launchers.records / "train_0.json").exists()
    assert not (launchers.records / "eval_0.json").exists()


def test_full_prints_the_metrics(launchers, data, tmp_path):
    output = tmp_path / "o"
    output.mkdir()
    metrics = {"coarse": {"rmse": 1.25, "per_image": [{"rmse": 1}]}, "images": 3, "name": "x"}
    (output / "eval_metrics.json").write_text(json.dumps(metrics))
    call = ("depthnet", f"--data_path={data}", f"--output_path={output}")
    out, _ = launchers.run("train_full_1p", *call)
    head, found, numbers = out.partition(f"final metrics ({output}/eval_metrics.json):\n")
    assert found and numbers == "  coarse.rmse: 1.25\n  images: 3\n"
    assert "train of rank 0" in head and "eval of rank 0" in head


def test_performance_stops_after_its_steps(launchers, data, tmp_path):
    """The first step, which compiles, and those after the asked ones are left out of the mean."""
    call = ("depthnet", f"--data_path={data}", f"--output_path={tmp_path}/o", "--steps=4")
    out, err = launchers.run("train_performance_1p", *call, BEHAVIOUR="0:rows")
    assert out.endswith("0.6667 s/iter, 6.00 examples/s (mean of 3 log lines)\n")
    assert "enough steps: stopping 1 process(es)" in err
    assert f"written: {launchers.logs}/performance.json\n" in out
    found = json.loads((launchers.logs / "performance.json").read_text())
    figures = {"steps": 4, "log_lines": 3, "batch_size": 4, "s_per_step": 2 / 3, "wait_share": 0.2}
    assert {name: found[name] for name in figures} == pytest.approx(figures)
    assert found["examples_per_s"] == pytest.approx(6)
    assert (found["device_target"], found["device_id"], found["host"]) == ("CPU", 0, None)
    assert re.fullmatch(r"[0-9a-f]{40}|", found["revision"]) and found["model"] == "depthnet"
    assert (launchers.logs / "train.log").read_text().endswith("saved, stopping\n")
    assert (launchers.logs / "status").read_text() == "0\n"
    line = launchers.run("train_performance_1p", *call, status=2)[1].splitlines()[0]
    assert line.endswith("/o has a metrics.csv already; give another --output_path")


def test_performance_of_a_run_that_ends_early(launchers, data):
    call = ("midas", f"--data_path={data}", "--steps=4")
    _, err = launchers.run("train_performance_1p", *call, status=2)
    assert "error: needs two steps; the first compiles" in err


def test_full_evaluates_the_newest_checkpoint(launchers, data, tmp_path):
    output = tmp_path / "o"
    (output / "ckpt").mkdir(parents=True)
    (output / "val.json").write_text('{"TUM": 15.08}')
    for age, name in enumerate(["Midas_0-2_9.ckpt", "Midas_0-10_9.ckpt", "other.ckpt"]):
        (output / "ckpt" / name).touch()
        os.utime(output / "ckpt" / name, (1e9 + age, 1e9 + age))
    call = ("midas", f"--data_path={data}", f"--output_path={output}")
    out, _ = launchers.run("train_full_1p", *call)
    arguments = record(launchers, "eval")["arguments"]
    assert arguments[arguments.index("--ckpt_path") + 1] == f"{output}/ckpt/Midas_0-10_9.ckpt"
    assert out.endswith("  TUM: 15.08\n")


def test_full_without_a_checkpoint(launchers, data, tmp_path):
    call = ("midas", f"--data_path={data}", f"--output_path={tmp_path}/o")
    _, err = launchers.run("train_full_1p", *call, status=2)
    assert f"error: no file {tmp_path}/o/ckpt/Midas_*.ckpt, which the training should" in err
    assert (launchers.logs / "status").read_text() == "2\n"
