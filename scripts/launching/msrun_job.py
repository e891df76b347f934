"""The command line of msrun, MindSpore's own launcher, for this host."""

import os
import shutil
import socket
import sys
from pathlib import Path

from .checks import UsageError
from .jobs import Job

_PORT = 8118  # msrun's own default; hosts must agree on it


def target_flags(request):
    """--device_target where the user, or the name of the script, says which."""
    return ["--device_target", request.target] if request.target else []


def connect_timeout():
    """HCCL_CONNECT_TIMEOUT, seconds as text: ranks compile for longer than HCCL's default of 120.

    Raises:
        UsageError: outside HCCL's limits.
    """
    timeout = os.environ.get("HCCL_CONNECT_TIMEOUT", "600")
    if not timeout.isdigit() or not 120 <= int(timeout) <= 7200:
        raise UsageError(f"HCCL_CONNECT_TIMEOUT={timeout}: must be 120 to 7200 (seconds)")
    return timeout


def msrun(request, local, *, hosts=1, node=0, master="127.0.0.1", env=None):
    """The Job that starts this host's workers.

    Args:
        request: Request.
        local: workers on this host, the same on every host.
        hosts: how many hosts; this one is number `node`.
        master: address of host 0.
        env: what is added to the environment.
    """
    first = node * local
    options = [f"--worker_num={local * hosts}", f"--local_worker_num={local}"]
    options += [f"--master_addr={master}", f"--master_port={_port(hosts)}", f"--node_rank={node}"]
    options += [f"--log_dir={request.logs}", "--worker_log_name=rank", f"--tail_worker_log={first}"]
    flags = [*request.flags, "--run_distribute", "True", *target_flags(request), *request.extras]
    program, python = _msrun_program(request.dry_run)
    script = [python, str(request.folder / request.row.entry)]
    env = dict(env or {})
    if request.target == "Ascend":
        env["HCCL_CONNECT_TIMEOUT"] = connect_timeout()
    else:
        # The CPU's default of 30 s is shorter than a validation run of rank 0.
        env["MS_CPU_COMM_OP_TIMEOUT"] = os.environ.get("MS_CPU_COMM_OP_TIMEOUT", "1800")
    return Job(
        name="msrun",
        command=(program, *options, "--join=True", *script, *flags),
        folder=request.folder,
        log=request.logs / "msrun.log",
        env=env,
        path=str(Path(sys.executable).parent),  # msrun starts `python` from PATH
        rank_logs={r: request.logs / f"rank_{r}.log" for r in range(first, first + local)},
        hosts=hosts,
    )


def _port(hosts):
    port = os.environ.get("MASTER_PORT") or (_PORT if hosts > 1 else _free_port())
    if not str(port).isdigit() or not 1024 <= int(port) <= 65535:
        raise UsageError(f"MASTER_PORT={port}: must be 1024 to 65535")
    return port


def _msrun_program(dry_run):
    """msrun beside the interpreter, and the interpreter's name in that folder."""
    folder = Path(sys.executable).parent
    program = shutil.which("msrun", path=str(folder)) or shutil.which("msrun")
    names = [n for n in ("python", "python3") if _same(folder / n, Path(sys.executable))]
    if not dry_run and not program:
        raise UsageError(f"no msrun beside {sys.executable}; install MindSpore or set PYTHON")
    if not names:
        raise UsageError(f"{folder} has no `python`, which msrun starts; set PYTHON to a venv's")
    return program or "msrun", names[0]


def _same(path, other):
    return path.exists() and path.samefile(other)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
