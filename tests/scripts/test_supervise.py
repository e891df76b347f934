"""The supervisor: with made-up processes and the test's own clock, then with short real ones.

test_supervision.py has the same through the launchers.
"""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts.launching import supervise
from scripts.launching.jobs import Job
from scripts.launching.supervise import Follower, Running, Supervisor, exit_status, send, tail
from tests.scripts.test_supervision import is_running


class Clock:
    """Stands for the module `time`: sleeping takes no time, and never goes on for ever."""

    def __init__(self):
        self.now, self.slept = 100.0, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        assert self.now < 1000, "still waiting after a quarter of an hour"


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(supervise, "time", clock)
    return clock


class Fake:
    """A process that ends with `status` once it was looked at `looks` times, if that is a number.

    It ends with `stopped` when it is asked to stop, if that is a number.
    """

    def __init__(self, job, looks=None, status=0, stopped=0, begins=None):
        self.job, self.looks, self.status, self.stopped = job, looks, status, stopped
        self.ended, self.seen, self.log = None, 0, []
        if begins:
            begins()

    def poll(self):
        return self.ended

    def watch(self):
        self.seen += 1
        if self.seen == self.looks:
            self.ended = self.status

    def ask_to_stop(self):
        self.log.append("stop")
        self.ended = self.stopped

    def kill(self):
        self.log.append("kill")
        self.ended = 137

    def clean_up(self):
        self.log.append("clean up")

    def failures(self):
        return [(self.job.name, self.ended, self.job.log)] if self.ended else []


@pytest.fixture
def supervisor(tmp_path, clock):
    """supervisor({name: arguments of Fake}, **options): (Supervisor, its Fakes)."""

    def make(behaviour, grace=1.0, enough=lambda: False, show=False):
        jobs = [Job(name, ("x",), tmp_path, tmp_path / f"{name}.log") for name in behaviour]
        for job in jobs:
            job.log.write_text(f"log of {job.name}\n")
        fakes = []

        def start(job):
            fakes.append(Fake(job, **behaviour[job.name]))
            return fakes[-1]

        return Supervisor(jobs, start=start, show=show, grace=grace, enough=enough), fakes

    return make


def test_processes_that_end_well(supervisor, capsys, clock):
    run, fakes = supervisor({"a": {"looks": 2}, "b": {"looks": 5}})
    assert run.run() == 0 and run.stopped_by is None
    assert [(fake.seen, fake.log) for fake in fakes] == [(2, ["clean up"]), (5, ["clean up"])]
    assert capsys.readouterr() == ("", "")
    assert len(clock.slept) == 5
    assert max(clock.slept) < 0.5, "the log on the screen would stutter"


def test_the_first_failure_stops_the_others_and_is_reported_alone(supervisor, capsys):
    behaviour = {"a": {"stopped": 3}, "b": {"looks": 2, "status": 7}, "c": {}}
    run, fakes = supervisor(behaviour, grace=2.5)
    assert run.run() == 7
    assert [fake.log for fake in fakes] == [
        ["stop", "clean up"],
        ["clean up"],
        ["stop", "clean up"],
    ]
    log = fakes[1].job.log
    assert capsys.readouterr().err.splitlines() == [
        "b failed: stopping 2 process(es), SIGKILL in 2.5 s",
        f"b failed with exit status 7; the end of {log}:",
        "    log of b",
    ]


def test_two_failures_at_once_are_both_reported(supervisor, capsys):
    failing = {"looks": 1, "status": 4}
    run, _ = supervisor({"a": {}, "b": failing, "c": {**failing, "status": 5}})
    assert run.run() == 4
    err = capsys.readouterr().err
    assert err.startswith("b failed: stopping 1 process(es)")
    assert "b failed with exit status 4" in err and "c failed with exit status 5" in err


def test_a_failure_of_the_last_process_needs_no_stop(supervisor, capsys):
    run, fakes = supervisor({"a": {"looks": 1, "status": 2}})
    assert run.run() == 2 and fakes[0].log == ["clean up"]
    assert "stopping" not in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all_and_the_run_counts_as_well_when_they_do(supervisor, capsys, number):
    previous = signal.signal(number, signal.SIG_DFL)
    try:
        begins = {"begins": lambda: os.kill(os.getpid(), number)}
        run, fakes = supervisor({"a": {}, "b": begins})
        assert run.run() == 0 and run.stopped_by == number.name
        assert [fake.log for fake in fakes] == 2 * [["stop", "clean up"]]
        assert f"{number.name}: stopping 2 process(es)" in capsys.readouterr().err
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, previous)


def test_a_stopped_process_that_fails_is_the_run_s_failure(supervisor, capsys):
    run, _ = supervisor({"a": {}, "b": {"stopped": 9}}, enough=lambda: True)
    assert run.run() == 9
    assert "b failed with exit status 9" in capsys.readouterr().err


def test_a_signal_that_the_parent_ignores_stays_ignored(supervisor):
    """nohup."""
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        begins = {"looks": 3, "begins": lambda: os.kill(os.getpid(), signal.SIGHUP)}
        run, fakes = supervisor({"a": begins})
        assert run.run() == 0 and run.stopped_by is None and fakes[0].seen == 3
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, previous)


def test_enough_is_asked_at_each_look(supervisor, capsys):
    answers = iter([False, False, True])
    run, fakes = supervisor({"a": {}}, enough=lambda: next(answers))
    assert run.run() == 0 and fakes[0].seen == 3
    assert "enough steps: stopping 1 process(es)" in capsys.readouterr().err


@pytest.mark.parametrize("grace", [0.0, 30.0])
def test_who_does_not_stop_is_killed_after_the_grace_time(supervisor, clock, grace):
    """With 0, at once."""
    run, fakes = supervisor({"a": {"stopped": None}}, grace=grace, enough=lambda: True)
    assert run.run() == 137
    assert fakes[0].log == ["stop", "kill", "clean up"]
    waited = sum(clock.slept[1:])  # the first look comes before the stop
    assert grace <= waited <= grace + 1 and (grace or not waited)


def test_who_stops_is_not_waited_for_longer(supervisor, clock):
    run, _ = supervisor({"a": {}}, grace=60.0, enough=lambda: True)
    run.run()
    assert sum(clock.slept) < 1


def test_whatever_goes_wrong_at_a_start_nothing_stays_behind(supervisor):
    def fail():
        raise OSError("no such program")

    before = signal.getsignal(signal.SIGTERM)
    run, fakes = supervisor({"a": {}, "b": {"looks": 1, "begins": fail}})
    with pytest.raises(OSError, match="no such program"):
        run.run()
    assert fakes[0].log == ["kill", "clean up"] and signal.getsignal(signal.SIGTERM) == before


def test_the_first_log_is_shown_to_its_last_line(supervisor, capsysbinary):
    for show in (True, False):
        run, _ = supervisor({"a": {"looks": 1}, "b": {"looks": 2}}, show=show)
        run.run()
        assert capsysbinary.readouterr().out == (b"log of a\n" if show else b"")


def test_a_follower_copies_what_is_new_once(tmp_path, capsysbinary):
    log = tmp_path / "log"
    follower = Follower(log, True)
    follower.pump()  # not there yet
    for text in (b"step 1\n\xff", b"", b"step 2\n"):
        with log.open("ab") as file:
            file.write(text)
        follower.pump()
        assert capsysbinary.readouterr().out == text
    follower.pump()
    assert capsysbinary.readouterr().out == b""


@pytest.fixture
def broken_pipe(monkeypatch):
    """broken_pipe("stdout") makes that stream one whose reader has gone."""

    def make(name):
        read, write = os.pipe()
        os.close(read)
        stream = os.fdopen(write, "w", 1 if name == "stderr" else -1)  # as Python opens them
        monkeypatch.setattr(sys, name, stream)
        return stream

    return make


def test_readers_that_have_gone_do_not_stop_a_run(tmp_path, broken_pipe):
    """`| head`: what nobody reads is thrown away, and the run goes on."""
    (tmp_path / "log").write_text("one\n")
    follower = Follower(tmp_path / "log", True)
    out, err = broken_pipe("stdout"), broken_pipe("stderr")
    for _ in range(3):
        with (tmp_path / "log").open("a") as file:
            file.write("two\n")
        follower.pump()
        supervise._say("text")
    for stream in (out, err):
        stream.close()  # what was left over must not fail either


def test_a_log_s_end_is_twenty_lines(tmp_path):
    (tmp_path / "log").write_bytes(b"".join(b"line %d\n" % n for n in range(30)))
    assert tail(tmp_path / "log") == [f"line {n}" for n in range(10, 30)]
    assert tail(tmp_path / "log", 1) == ["line 29"]
    (tmp_path / "log").write_bytes(b"one\xff")
    assert tail(tmp_path / "log") == ["one\ufffd"]


@pytest.mark.parametrize(("code", "status"), [(0, 0), (1, 1), (255, 255), (-9, 137), (-1, 129)])
def test_a_signal_s_exit_status_is_a_shell_s(code, status):
    assert exit_status(code) == status


def test_a_stop_reaches_one_process_and_a_kill_its_group(monkeypatch):
    """Training stops its loaders itself; a SIGTERM of theirs would look like a failure."""
    sent = []
    monkeypatch.setattr(supervise.os, "kill", lambda *words: sent.append(("one", *words)))
    monkeypatch.setattr(supervise.os, "killpg", lambda *words: sent.append(("group", *words)))
    send(5, signal.SIGTERM)
    send(6, signal.SIGKILL, group=True)
    assert sent == [("one", 5, signal.SIGTERM), ("group", 6, signal.SIGKILL)]


def test_a_signal_to_a_process_that_has_ended_is_no_error():
    process = subprocess.Popen(["true"])
    process.wait()
    send(process.pid, signal.SIGTERM)
    send(process.pid, signal.SIGKILL, group=True)


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def start(tmp_path):
    """start(script) runs a line of bash as Running; nothing of it outlives the test."""
    started = []

    def make(script, **options):
        job = Job("train", ("bash", "-c", script), tmp_path, tmp_path / "log", **options)
        started.append(Running(job))
        return started[-1]

    yield make
    for running in started:
        running.kill()


@pytest.mark.parametrize(("script", "status"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_the_exit_status_of_a_process_and_its_failure(start, tmp_path, script, status):
    running = start(script)
    wait_until(lambda: running.poll() is not None)
    assert running.poll() == status
    assert running.failures() == ([("train", status, tmp_path / "log")] if status else [])


def test_a_process_has_its_folder_environment_log_and_session(start, tmp_path):
    script = "echo out; echo err >&2; pwd; echo $A $ZOO_RUN; cat; ps -o sid= -p $$; echo $$"
    running = start(script, env={"A": "1"})
    assert running.process.wait(timeout=20) == 0
    lines = (tmp_path / "log").read_text().split()
    # A session of its own: a Ctrl-C reaches it through the launcher, once.
    pid = str(running.process.pid)
    assert lines == ["out", "err", str(tmp_path), "1", running.mark, pid, pid]


def test_a_stopped_process_may_save(start, tmp_path):
    running = start("trap 'echo saved; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    wait_until(lambda: "ready" in (tmp_path / "log").read_text())
    assert running.poll() is None
    running.ask_to_stop()
    wait_until(lambda: running.poll() == 0)
    assert (tmp_path / "log").read_text().endswith("saved\n")


def test_a_killed_process_takes_its_own_workers_along(start, tmp_path):
    running = start("sleep 100 & echo $!; wait")
    wait_until(lambda: (tmp_path / "log").read_text().endswith("\n"))
    worker = int((tmp_path / "log").read_text())
    assert is_running(worker)
    running.kill()
    assert running.poll() == 137
    wait_until(lambda: not is_running(worker))


def test_what_is_shown_is_seen_at_once(tmp_path, monkeypatch):
    """Standard output is a file or a pipe most of the time, which Python fills by the block."""
    raw = io.BytesIO()
    stream = SimpleNamespace(buffer=io.BufferedWriter(raw))
    monkeypatch.setattr(sys, "stdout", stream)
    Path(tmp_path, "log").write_text("step 1\n")
    Follower(tmp_path / "log", True).pump()
    assert raw.getvalue() == b"step 1\n"
