"""A started msrun: its workers found, asked to stop, killed; its log read. msrun is made up here.

test_msrun.py has the real one, which takes seconds to start.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scripts.launching import msrun
from scripts.launching.jobs import Job
from scripts.launching.msrun import RunningMsrun
from tests.scripts.test_supervise import wait_until
from tests.scripts.test_supervision import is_running

# As the real one: a scheduler, workers in sessions of their own, and a `tail` with the environment
# of a worker. A worker has a child (a data loader) and notes both numbers; it saves on SIGTERM.
MSRUN = r"""
echo $$ >msrun.pid
MS_ROLE=MS_SCHED sleep 100 &
echo $! >scheduler.pid
export MS_ROLE=MS_WORKER
for RANK_ID in $RANKS; do
  export RANK_ID
  setsid bash -c '
    sleep 100 & echo $! >loader_$RANK_ID.pid
    trap "kill $!; echo saved >rank_$RANK_ID.log; exit 0" TERM
    echo $$ >worker_$RANK_ID.pid
    wait' &
  workers="$workers $!"
done
sleep 100 &  # the tail
echo $! >tail.pid
wait $workers
kill $(cat scheduler.pid tail.pid)
exit ${STATUS:-0}
"""


@pytest.fixture
def start(tmp_path, monkeypatch):
    """start(*ranks, script=..., hosts=1, logs=ranks): RunningMsrun; nothing outlives the test."""
    started = []
    for name in ("MS_ROLE", "RANK_ID"):
        monkeypatch.delenv(name, raising=False)

    def make(*ranks, script=MSRUN, hosts=1, logs=None, **env):
        logs = {rank: tmp_path / f"rank_{rank}.log" for rank in (logs or ranks)}
        env = {"RANKS": " ".join(map(str, ranks)), **env}
        job = Job(
            name="msrun",
            command=("bash", "-c", script),
            folder=tmp_path,
            log=tmp_path / "msrun.log",
            env=env,
            rank_logs=logs,
            hosts=hosts,
        )
        started.append(RunningMsrun(job))
        if script == MSRUN:
            names = ["tail", *(f"worker_{rank}" for rank in ranks)]
            wait_until(lambda: all((tmp_path / f"{name}.pid").exists() for name in names))
            wait_until(lambda: all(map(pids(tmp_path).get, names)))
        return started[-1]

    yield make
    for running in started:
        running.kill()
        running.clean_up()


def pids(folder):
    """{name: process number} of what the made-up msrun noted."""
    files = {path.stem: path.read_text().strip() for path in folder.glob("*.pid")}
    return {name: int(text) for name, text in files.items() if text}


def alive(folder):
    """The names of what still runs."""
    return {name for name, pid in pids(folder).items() if is_running(pid)}


EVERYTHING = {"msrun", "scheduler", "tail", "worker_0", "loader_0", "worker_1", "loader_1"}


def failure(pid, code):
    """The line of msrun's log, from the words on that tell it."""
    return f"Worker process {pid} exit with exception. Error code: {code}.\n"


def test_a_stop_reaches_the_workers_alone(start, tmp_path):
    """Training stops its loaders itself; msrun ends after its workers."""
    running = start(0, 1)
    assert alive(tmp_path) == EVERYTHING
    running.ask_to_stop()
    assert running.process.wait(timeout=20) == 0
    assert {(tmp_path / f"rank_{rank}.log").read_text() for rank in (0, 1)} == {"saved\n"}
    assert running.failures() == []
    wait_until(lambda: not alive(tmp_path))


def test_a_stop_before_every_worker_is_there_is_a_kill(start, tmp_path):
    """Nothing to save yet, and a worker that msrun starts later would not hear of it."""
    running = start(0, 1, logs=(0, 1, 2))
    running.ask_to_stop()
    assert running.poll() == 137
    wait_until(lambda: not alive(tmp_path))
    assert not (tmp_path / "rank_0.log").exists()


def test_a_kill_takes_everything_along(start, tmp_path):
    running = start(0, 1)
    running.kill()
    assert running.poll() == 137
    wait_until(lambda: not alive(tmp_path))


def test_a_killed_msrun_leaves_workers_which_the_clean_up_kills(start, tmp_path):
    running = start(0, 1)
    other = subprocess.Popen(
        ["sleep", "100"], start_new_session=True, env={"MS_ROLE": "MS_WORKER", "RANK_ID": "0"}
    )
    try:
        running.process.kill()
        running.process.wait()
        assert alive(tmp_path) == EVERYTHING - {"msrun"}
        running.clean_up()
        wait_until(lambda: not alive(tmp_path))
        assert is_running(other.pid), "a worker of another run"
    finally:
        other.kill()
        other.wait()


def test_the_clean_up_looks_for_workers_alone(start):
    """The mark of a run makes no worker: whatever was started in a worker's shell has it too."""
    running = start(0)
    environment = {**os.environ, "ZOO_RUN": running.mark}
    bystander = subprocess.Popen(["sleep", "100"], start_new_session=True, env=environment)
    try:
        running.clean_up()
        assert bystander.poll() is None
        time.sleep(0.1)
        assert is_running(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("hosts", [1, 2])
def test_after_a_failure_the_scheduler_of_a_single_host_is_ended(start, tmp_path, hosts):
    """With several hosts it has to tell the others."""
    running = start(0, 1, hosts=hosts)
    running.watch()
    assert alive(tmp_path) == EVERYTHING
    with (tmp_path / "msrun.log").open("a") as log:
        log.write(failure(pids(tmp_path)["worker_1"], 3))
    running.watch()
    if hosts == 1:
        wait_until(lambda: "scheduler" not in alive(tmp_path))
    else:
        time.sleep(0.1)
    assert alive(tmp_path) == (EVERYTHING - {"scheduler"} if hosts == 1 else EVERYTHING)
    running.watch()  # it is not looked for again


def test_processes_are_looked_for_until_every_worker_is_known(start, monkeypatch):
    """A look at each process of the machine, ten times a second, would be seen in its load."""
    looks = []
    children = msrun._children
    monkeypatch.setattr(msrun, "_children", lambda pid: looks.append(pid) or children(pid))
    running = start(0, 1)
    for _ in range(3):
        running.watch()
    assert looks == [running.process.pid]
    starting = start(0, logs=(0, 1))
    for _ in range(3):
        starting.watch()
    assert looks[1:] == 3 * [starting.process.pid]


@pytest.fixture
def ended(start, tmp_path):
    """ended(text, known, logs): a msrun that wrote `text`, exit 5, knowing {pid: rank}."""

    def make(text, known, logs):
        for rank in logs:
            (tmp_path / f"rank_{rank}.log").touch()
        running = start(script="exit 5", logs=(0, 1, 2))
        running.process.wait()
        (tmp_path / "msrun.log").write_text(text)
        running._workers = known
        return running

    return make


def logs_of(folder, *ranks, status):
    return [(f"rank {rank}", status, folder / f"rank_{rank}.log") for rank in ranks]


@pytest.mark.parametrize(("code", "status"), [(3, 3), (-9, 137)])
def test_the_rank_that_msrun_names_first_has_failed(ended, tmp_path, code, status):
    text = failure(11, code) + "something else\n" + failure(10, 1)
    running = ended(text, {10: 0, 11: 1, 12: 2}, (0, 1, 2))
    assert running.failures() == logs_of(tmp_path, 1, status=status)


def test_where_the_named_one_is_not_known_it_is_one_of_the_unknown(ended, tmp_path):
    running = ended(failure(99, 3), {10: 1}, (0, 1, 2))
    assert running.failures() == logs_of(tmp_path, 0, 2, status=3)


def test_where_all_are_known_but_the_named_one_it_is_any(ended, tmp_path):
    running = ended(failure(99, 3), {10: 0, 11: 1, 12: 2}, (0, 1))
    assert running.failures() == logs_of(tmp_path, 0, 1, status=3)


def test_a_msrun_that_names_none_has_failed_itself(ended, tmp_path):
    running = ended("no port\n", {}, (0, 2))
    own = ("msrun", 5, tmp_path / "msrun.log")
    assert running.failures() == [*logs_of(tmp_path, 0, 2, status=5), own]


def test_a_line_of_the_log_is_read_when_it_is_complete_and_once(ended, tmp_path):
    running = ended("", {}, (0,))
    line = failure(11, 3)
    for text, known in ((line[:50], []), (line[50:-1], []), ("\n" + line[:20], [(11, 3)])):
        with (tmp_path / "msrun.log").open("a") as log:
            log.write(text)
        running._read_log()
        assert running._failed == known
    with (tmp_path / "msrun.log").open("ab") as log:
        log.write(b"\xff" + line[20:].encode() + failure(12, -15).encode())
    running._read_log()
    assert running._failed == [(11, 3), (12, 143)]


@pytest.mark.parametrize("listed", [True, False])
def test_children_are_found_with_and_without_the_kernel_s_list(monkeypatch, listed):
    script = "import subprocess, sys\nfor _ in 'ab': print(subprocess.Popen(['sleep', '9']).pid)\n"
    script += "sys.stdout.flush(); input()"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        children = [int(parent.stdout.readline()) for _ in range(2)]
        if not listed:
            read = Path.read_text

            def refuse(path, *words, **options):
                if path.name == "children":
                    raise FileNotFoundError(path)
                return read(path, *words, **options)

            monkeypatch.setattr(Path, "read_text", refuse)
        assert sorted(msrun._children(parent.pid)) == sorted(children)
        for pid in children:
            os.kill(pid, 9)
        parent.communicate(b"\n")
    assert msrun._children(parent.pid) == []


def test_the_parent_stands_after_a_name_of_any_form(tmp_path):
    (tmp_path / "stat").write_text("7 (a) b 9 (x) S 42 7 7 0")
    assert msrun._parent(tmp_path) == 42
    assert msrun._parent(Path("/proc/self")) == os.getppid()
    (tmp_path / "stat").write_text("")
    assert msrun._parent(tmp_path) is msrun._parent(tmp_path / "none") is None


def test_the_environment_of_a_process():
    wanted = {"A": "1=2", "B": ""}
    process = subprocess.Popen(["sleep", "9"], env=wanted)
    try:
        wait_until(lambda: Path(f"/proc/{process.pid}/comm").read_text() == "sleep\n")
        assert msrun._environ(process.pid) == wanted
    finally:
        process.kill()
        process.wait()
    assert msrun._environ(process.pid) == {}
    assert not msrun._is_worker(process.pid, {"MS_ROLE": "MS_WORKER", "RANK_ID": "0"})


def test_a_worker_leads_a_session_and_has_a_rank():
    leader = os.getsid(0)
    role, rank = {"MS_ROLE": "MS_WORKER"}, {"RANK_ID": "0"}
    child = subprocess.Popen(["sleep", "9"])  # of our session, as the tail of a log is
    try:
        assert msrun._is_worker(leader, {**role, **rank})
        assert not msrun._is_worker(child.pid, {**role, **rank})
        for environ in (role, rank, {"MS_ROLE": "MS_SCHED", **rank}):
            assert not msrun._is_worker(leader, environ)
    finally:
        child.kill()
        child.wait()
