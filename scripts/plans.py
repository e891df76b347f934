"""From a Request to the processes that have to run: commands, environments, logs."""

import os
import shlex
import shutil
import socket
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

from checks import UsageError
from models import NEWEST
from rank_table import RankTable

# Another launcher's leftovers: with them MindSpore joins a group that does not exist.
_STALE = (
    *("MS_ROLE", "MS_WORKER_NUM", "MS_NODE_ID", "MS_SCHED_HOST", "MS_SCHED_PORT"),
    *("RANK_ID", "RANK_SIZE", "RANK_TABLE_FILE", "DEVICE_ID", "DEVICE_NUM"),
)
_MSRUN_PORT = 8118  # msrun's own default; hosts must agree on it


@dataclass(frozen=True)
class Job:
    """One process to start.

    Attributes:
        name: for messages, such as "rank 3".
        command: program and arguments.
        folder: where it runs.
        log: gets its standard output and error output.
        env: what is added to the environment.
        path: a folder put in front of PATH.
        rank_logs: of msrun, the log of each local rank.
        hosts: of msrun, how many take part.
    """

    name: str
    command: tuple
    folder: Path
    log: Path
    env: dict = field(default_factory=dict)
    path: str = ""
    rank_logs: dict = field(default_factory=dict)
    hosts: int = 1

    def words(self):
        """The command, with newest:PATTERN replaced by the newest file that fits the pattern.

        Raises:
            UsageError: none does; the process before, which should have written it, did not.
        """
        return [_newest(w.partition(":")[2]) if w.startswith(NEWEST) else w for w in self.command]

    def environment(self):
        """The complete environment of the process."""
        kept = {key: value for key, value in os.environ.items() if key not in _STALE}
        path = {"PATH": f"{self.path}:{kept['PATH']}"} if self.path else {}
        return {**kept, **path, "PYTHONUNBUFFERED": "1", **self.env}

    def shell_line(self):
        """The process as a line of bash."""
        words = [f"{key}={shlex.quote(value)}" for key, value in self.env.items()]
        words += [f'PATH={shlex.quote(self.path)}:"$PATH"'] if self.path else []
        words = " ".join([*(["env", *words] if words else []), shlex.join(self.command)])
        return f"cd {shlex.quote(str(self.folder))} && {words} > {shlex.quote(str(self.log))} 2>&1"


def single(request, entry, flags, extras):
    """One process of an entry point on one device; extras come last, so that they win."""
    name = Path(entry).stem
    command = (sys.executable, entry, *flags, *_target(request), *extras)
    return Job(name, command, request.folder, request.logs / f"{name}.log")


def _target(request):
    return ["--device_target", request.target] if request.target else []


def standalone(request):
    """The one process of a row of the model table."""
    return [single(request, request.row.entry, request.flags, request.extras)]


def pipeline(request):
    """The processes of a pipeline, to run one after the other; extras go to the first."""
    values = {**request.values, "output_path": request.values["output_path"] or request.logs}
    jobs = []
    for entry, *flags in request.row.steps:
        flags = [flag.format(**values) for flag in flags]
        extras = [] if jobs else request.extras
        jobs.append(single(request, entry, flags, extras))
    return jobs


def gpu(request):
    """GPU training: one process for one device, msrun for more."""
    number = int(request.values["DEVICE_NUM"])
    devices = request.values["DEVICE_IDS"].split(",")
    if len(devices) != number:
        named = request.values["DEVICE_IDS"]
        raise UsageError(f"DEVICE_NUM is {number}, but DEVICE_IDS names {len(devices)}: {named}")
    if number == 1:
        flags = [*request.flags, "--run_distribute", "False", "--device_id", devices[0]]
        return [single(request, request.row.entry, flags, request.extras)]
    return [msrun(request, number, env={"CUDA_VISIBLE_DEVICES": ",".join(devices)})]


def distribute(request):
    """Data-parallel training from a rank table or a number of devices.

    Returns:
        (note, jobs): what is done in one line, and the processes of this host.
    """
    ranks = request.values["RANK_TABLE_FILE|DEVICE_NUM"]
    if ranks.isdigit():
        return f"{ranks} workers on this host through msrun", [msrun(request, int(ranks))]
    table = RankTable(ranks)
    if table.warning():
        print(f"warning: {table.warning()}; see scripts/make_rank_table.py merge", file=sys.stderr)
    total, hosts = len(table.ranks), len(table.servers)
    server_id = os.environ.get("SERVER_ID", "")
    one_here = hosts == 1 and not server_id and request.target in ("CPU", "GPU")
    place = 0 if one_here else table.this_server(server_id)
    mine = table.of_server(place)
    where = f"{total} ranks on {hosts} server(s), {len(mine)} of them here"
    if request.target in ("CPU", "GPU"):
        note = f"{where}; DEVICE_TARGET={request.target}: only their number is taken from {ranks}"
        return f"{note}, msrun starts them", [_msrun_of_table(request, table, place)]
    ascend = replace(request, target="Ascend")
    jobs = [_rank_job(ascend, table, rank) for rank in mine]
    return f"{where}; one process each by {ranks}", jobs


def _rank_job(request, table, rank):
    timeout = os.environ.get("HCCL_CONNECT_TIMEOUT", "600")
    if not timeout.isdigit() or not 120 <= int(timeout) <= 7200:
        raise UsageError(f"HCCL_CONNECT_TIMEOUT={timeout}: must be 120 to 7200 (seconds)")
    env = {
        "RANK_TABLE_FILE": str(table.path),
        "RANK_SIZE": str(len(table.ranks)),
        "RANK_ID": str(rank.rank),
        "DEVICE_ID": str(rank.device),
        "HCCL_CONNECT_TIMEOUT": timeout,
    }
    flags = [*request.flags, "--run_distribute", "True", *_target(request), *request.extras]
    command = (sys.executable, request.row.entry, *flags)
    log = request.logs / f"rank_{rank.rank}.log"
    return Job(f"rank {rank.rank}", command, request.folder, log, env)


def _msrun_of_table(request, table, place):
    sizes = {len(table.of_server(index)) for index in range(len(table.servers))}
    if len(sizes) > 1:
        raise UsageError(f"{table.path}: msrun needs the same number of devices on each server")
    if len(table.servers) == 1:
        return msrun(request, sizes.pop())
    order = list(dict.fromkeys(rank.server for rank in table.ranks))
    master = table.servers[order[0]]
    address = master.get("host_ip") or master["server_id"]
    hosts = len(table.servers)
    return msrun(request, sizes.pop(), hosts, order.index(place), address)


def msrun(request, local, hosts=1, node=0, master="127.0.0.1", env=None):
    """msrun with `local` workers on this host, which is number `node` of `hosts`."""
    port = os.environ.get("MASTER_PORT") or (_MSRUN_PORT if hosts > 1 else _free_port())
    if not str(port).isdigit() or not 1024 <= int(port) <= 65535:
        raise UsageError(f"MASTER_PORT={port}: must be 1024 to 65535")
    first = node * local
    options = [f"--worker_num={local * hosts}", f"--local_worker_num={local}"]
    options += [f"--master_addr={master}", f"--master_port={port}", f"--node_rank={node}"]
    options += [f"--log_dir={request.logs}", "--worker_log_name=rank", f"--tail_worker_log={first}"]
    flags = [*request.flags, "--run_distribute", "True", *_target(request), *request.extras]
    program, python = _msrun_program(request.dry_run)
    script = [python, str(request.folder / request.row.entry)]
    logs = {rank: request.logs / f"rank_{rank}.log" for rank in range(first, first + local)}
    env = dict(env or {})
    if request.target != "Ascend":
        # The CPU's default of 30 s is shorter than a validation run of rank 0.
        env["MS_CPU_COMM_OP_TIMEOUT"] = os.environ.get("MS_CPU_COMM_OP_TIMEOUT", "1800")
    command = (program, *options, "--join=True", *script, *flags)
    path = str(Path(sys.executable).parent)  # msrun starts `python` from PATH
    log = request.logs / "msrun.log"
    return Job("msrun", command, request.folder, log, env, path, logs, hosts)


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


def _newest(pattern):
    path = Path(pattern)
    found = sorted(path.parent.glob(path.name), key=lambda file: file.stat().st_mtime)
    if not found:
        raise UsageError(f"no file {pattern}, which the training should have written")
    return str(found[-1])


def _same(path, other):
    return path.exists() and path.samefile(other)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
