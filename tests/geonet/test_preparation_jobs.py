"""Jobs in several processes, and the lines that say how far they are."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from geonet.src.model_utils.errors import InputError, RunError
from geonet.src.preparation import jobs


def square(number):
    return number**2, os.getpid()


def refuse(number):
    if number == 3:
        raise InputError("3 is bad")
    return number


def end(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def hold(folder):
    """Tell who is here, and stay."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(60)


@pytest.mark.parametrize("processes", [1, 2])
def test_every_job_is_done_once(processes):
    found = list(jobs.run_jobs(square, range(20), processes))
    assert sorted(value for value, _ in found) == [n**2 for n in range(20)]
    assert (os.getpid() in {pid for _, pid in found}) == (processes == 1)


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_of_a_job_is_that_of_all(processes):
    with pytest.raises(InputError, match="3 is bad"):
        list(jobs.run_jobs(refuse, range(20), processes))


def test_a_process_that_was_killed_is_noticed():
    with pytest.raises(RunError, match="a process was ended from outside, perhaps for lack of mem"):
        list(jobs.run_jobs(end, range(20), 2))


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(condition):
    limit = time.monotonic() + 20
    while not condition() and time.monotonic() < limit:
        time.sleep(0.02)
    assert condition()


def test_processes_end_with_the_one_that_started_them(tmp_path):
    pid = os.fork()
    if pid == 0:
        list(jobs.run_jobs(hold, [tmp_path] * 2, 2))
        os._exit(0)
    wait_for(lambda: len(os.listdir(tmp_path)) == 2)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    try:
        wait_for(lambda: not any(map(is_running, os.listdir(tmp_path))))
    finally:
        for left in filter(is_running, os.listdir(tmp_path)):
            os.kill(int(left), signal.SIGKILL)


def test_there_are_no_more_processes_than_cores():
    cores = len(os.sched_getaffinity(0))
    assert jobs.processes_for(1) == 1
    assert jobs.processes_for(999) == cores


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(jobs.time, "perf_counter", lambda: now[0])
    return now


def test_lines_of_progress_in_a_file(clock, capsys):
    progress = jobs.Progress(9000, "strips", 2000)
    for count in (1999, 2, 4000, 2999):
        clock[0] += 10
        progress.add(count)
    progress.close()
    assert capsys.readouterr().out.splitlines() == [
        "Progress 0/9000....",
        "Progress 2000/9000....  (100 strips/s, 22.2 %, 0:01:09 left)",
        "Progress 4000/9000....  (200 strips/s, 66.7 %, 0:00:14 left)",
        "Progress 6000/9000....  (200 strips/s, 66.7 %, 0:00:14 left)",
        "Progress 8000/9000....  (225 strips/s, 100.0 %, 0:00:00 left)",
        "9000 strips in 40.0 s, 225.0 strips/s",
    ]


def test_a_live_line_on_a_terminal(clock, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    progress = jobs.Progress(100_000, "strips", 2000)
    clock[0] += 1
    progress.add(2)
    progress.close()
    assert capsys.readouterr().out == (
        "Progress 0/100000....\n"
        "\r\x1b[K2/100000 (2 strips/s, 0.0 %, 13:53:19 left)\r"
        "\r\x1b[K2 strips in 1.0 s, 2.0 strips/s\n"
    )
