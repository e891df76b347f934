"""The real msrun, started by the launcher on fake models (no MindSpore in its workers)."""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.scripts.launchers import server_id
from tests.scripts.test_supervision import is_running, record, wait_for


def ready(launchers, *ranks):
    wait_for(*(launchers.records / f"train_{rank}.json.ready" for rank in ranks), seconds=60)


def test_two_workers(launchers, data):
    call = ("run_distribute_train", "depthnet", data, 2)
    out, _ = launchers.run(*call, DEVICE_TARGET="CPU")
    assert "2 workers on this host through msrun" in out
    for rank in range(2):
        environ = record(launchers, "train", rank)["environ"]
        assert environ["RANK_ID"] == environ["DEVICE_ID"] == str(rank)
        assert environ["RANK_SIZE"] == "2" and environ["MS_ROLE"] == "MS_WORKER"
        assert "RANK_TABLE_FILE" not in environ
        assert (
            launchers.logs / f"rank_{rank}.log"
        ).read_text() == f"train of rank {rank}: exit 0\n"
        assert f"log of rank {rank}: {launchers.logs}/rank_{rank}.log\n" in out
    assert "train of rank 0: exit 0" in out and "train of rank 1" not in out


def test_rank_table_on_the_cpu_says_what_it_does(launchers, data, rank_table):
    table = rank_table(1, 2)
    call = ("run_distribute_train", "midas", table, data / "net.ckpt")
    out, _ = launchers.run(*call, DEVICE_TARGET="CPU", RANK_TABLE_FILE=table)
    assert "2 ranks on 1 server(s), 2 of them here; DEVICE_TARGET=CPU: only their number" in out
    assert {record(launchers, "train", rank)["environ"]["RANK_SIZE"] for rank in (0, 1)} == {"2"}
    assert "RANK_TABLE_FILE" not in record(launchers, "train")["environ"]


def test_a_dead_worker(launchers, data):
    """msrun kills the other worker; the failing one is named, with its exit status and log."""
    call = ("run_distribute_train", "depthnet", data, 2)
    options = {"DEVICE_TARGET": "CPU", "BEHAVIOUR": "0:stubborn;1:late 2"}
    _, err = launchers.run(*call, status=2, **options)
    assert "rank 1 failed with exit status 2; the end of" in err
    assert "    train of rank 1: late 2" in err and "rank 0 failed" not in err
    assert not is_running(record(launchers, "train", 0)["pid"])


def test_sigterm_reaches_the_workers(launchers, data):
    """msrun itself hands no signal on."""
    call = ("run_distribute_train", "depthnet", data, 2)
    process = launchers.start(*call, DEVICE_TARGET="CPU", BEHAVIOUR="0:hang;1:hang")
    ready(launchers, 0, 1)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    for rank in range(2):
        assert (launchers.logs / f"rank_{rank}.log").read_text().endswith("saved, stopping\n")


def test_a_worker_that_dies_at_once(launchers, data):
    """Too quick to be noticed alive, perhaps: its status counts all the same."""
    call = ("run_distribute_train", "depthnet", data, 2)
    options = {"DEVICE_TARGET": "CPU", "BEHAVIOUR": "0:stubborn;1:exit 2"}
    _, err = launchers.run(*call, status=2, **options)
    assert "rank 1 failed with exit status 2; the end of" in err


@pytest.mark.parametrize("victim", ["workers", "msrun"])
def test_nothing_stays_behind(launchers, data, victim):
    """Workers that ignore SIGTERM are killed, and so are those of a msrun that was killed."""
    call = ("run_distribute_train", "depthnet", data, 2)
    options = {"DEVICE_TARGET": "CPU", "BEHAVIOUR": "0:stubborn;1:stubborn", "STOP_GRACE": "1"}
    process = launchers.start(*call, **options)
    ready(launchers, 0, 1)
    pids = [record(launchers, "train", rank)["pid"] for rank in range(2)]
    if victim == "workers":
        process.terminate()
    else:
        time.sleep(0.5)  # for the launcher to see the workers
        parent = int(Path(f"/proc/{pids[0]}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(parent, signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == 137
    end = time.monotonic() + 5  # SIGKILL takes a moment on a busy machine
    while any(map(is_running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(is_running, pids))
    time.sleep(0.2)
    assert not users_of(launchers.logs), "msrun's scheduler or tail"


def users_of(folder):
    """Command lines of processes that name a folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if str(folder) in line]


def test_sigterm_while_msrun_starts(launchers, data):
    call = ("run_distribute_train", "depthnet", data, 2)
    process = launchers.start(*call, DEVICE_TARGET="CPU", BEHAVIOUR="0:hang;1:hang")
    wait_for(launchers.logs / "msrun.log")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 137
    time.sleep(0.5)
    noted = [json.loads(file.read_text())["pid"] for file in launchers.records.glob("*.json")]
    assert not any(map(is_running, noted))


def test_two_runs_at_once_do_not_share_a_port(launchers, data):
    call = ("run_distribute_train", "depthnet", data, 2)
    ports = {
        word.split("=")[1]
        for _ in range(2)
        for word in launchers.dry_run(*call)[0]["msrun"][1]
        if word.startswith("--master_port=")
    }
    assert len(ports) == 2


def test_missing_msrun(launchers, data, tmp_path):
    """A Python without MindSpore: said before anything starts."""
    folder = tmp_path / "bin"
    folder.mkdir()

    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "$0" "$@"\n')
    line = launchers.refuse(
        "run_distribute_train",
        "depthnet",
        data,
        2,
        PATH=f"{folder}:/usr/bin:/bin",
        PYTHON="python3",
    )
    assert "no msrun beside" in line or "which msrun starts" in line


def test_server_id_counts_on_one_server_too(launchers, data, rank_table):
    call = ("run_distribute_train", "depthnet", data, rank_table(1, 2))
    line = launchers.refuse(*call, DEVICE_TARGET="CPU", SERVER_ID="10.9.9.9")
    assert f"SERVER_ID 10.9.9.9 is not in {call[3]}: {server_id(0)}" in line
