"""From a Request to the processes that have to run."""

import os
import sys
from dataclasses import replace
from pathlib import Path

from .arguments import switch
from .checks import UsageError
from .jobs import Job
from .msrun_job import connect_timeout, msrun, target_flags
from .rank_table import RankTable

_VISIBLE = "ASCEND_RT_VISIBLE_DEVICES"


def single(request, entry, flags, extras):
    """One process of an entry point on one device; extras come last, so that they win."""
    name = Path(entry).stem
    command = (sys.executable, entry, *flags, *target_flags(request), *extras)
    return Job(name, command, request.folder, request.logs / f"{name}.log")


def standalone(request):
    """The one process of a command."""
    return [single(request, request.row.entry, request.flags, request.extras)]


def pipeline(request):
    """The processes of a pipeline, to run one after the other; extras go to the first."""
    values = {**request.values, "output_path": request.output}
    jobs = []
    for entry, *flags in request.row.stages:
        flags = [flag.format(**values) for flag in flags]
        extras = [] if jobs else request.extras
        of = replace(request, target="") if entry in request.row.tools else request
        jobs.append(single(of, entry, flags, extras))
    logs = {name: request.logs / log.format(**values) for name, log in request.row.logs.items()}
    named = zip(jobs, logs.items())
    return [replace(job, name=name, log=log) for job, (name, log) in named] or jobs


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
    _warn(table.warning(), "see scripts/make_rank_table.py merge")
    total, hosts = len(table.ranks), len(table.servers)
    no_card = request.target in ("CPU", "GPU")
    server_id = os.environ.get("SERVER_ID", "")
    place = 0 if no_card and hosts == 1 and not server_id else table.this_server(server_id)
    here = len(table.of_server(place))
    where = f"{total} ranks on {hosts} server(s), {here} of them here"
    if no_card:
        note = f"{where}; DEVICE_TARGET={request.target}: only their number is taken from {ranks}"
        return f"{note}, msrun starts them", [_msrun_of_table(request, table, place, {})]
    request = replace(request, target="Ascend")
    if switch("RANK_TABLE_START"):
        note = f"{where}; one process each by {ranks}, which MindSpore has deprecated"
        return note, _rank_jobs(request, table, place)
    # A worker's DEVICE_ID is its place in this list. HCCL gets no table: msrun's scheduler
    # tells the ranks of each other.
    devices = [rank.device for rank in table.of_server(place)]
    if devices != sorted(devices):
        hint = "if a rank is on another device than the table says, sort it, or RANK_TABLE_START=1"
        _warn(f"{_VISIBLE} documents ascending devices only, {ranks} has {devices}", hint)
    env = {_VISIBLE: ",".join(map(str, devices))}
    job = _msrun_of_table(request, table, place, env)
    return f"{where}, on devices {env[_VISIBLE]} of {ranks}; msrun starts them", [job]


def _warn(text, hint):
    if text:
        print(f"warning: {text}; {hint}", file=sys.stderr)


def _rank_jobs(request, table, place):
    """One process for each device of this host, which MindSpore starts from the table itself."""
    if os.environ.get(_VISIBLE):
        raise UsageError(f"{_VISIBLE} renumbers the devices; unset it for RANK_TABLE_START=1")
    flags = [*request.flags, "--run_distribute", "True", *target_flags(request), *request.extras]
    command = (sys.executable, request.row.entry, *flags)
    shared = {"RANK_TABLE_FILE": str(table.path), "RANK_SIZE": str(len(table.ranks))}
    shared["HCCL_CONNECT_TIMEOUT"] = connect_timeout()
    jobs = []
    for rank in table.of_server(place):
        env = {**shared, "RANK_ID": str(rank.rank), "DEVICE_ID": str(rank.device)}
        log = request.logs / f"rank_{rank.rank}.log"
        jobs.append(Job(f"rank {rank.rank}", command, request.folder, log, env))
    return jobs


def _msrun_of_table(request, table, place, env):
    """msrun for the host at `place` of the table; hosts count in the order of their ranks."""
    order = list(dict.fromkeys(rank.server for rank in table.ranks))
    sizes = {len(table.of_server(index)) for index in order}
    if len(sizes) > 1:
        hint = "RANK_TABLE_START=1 needs no such thing"
        raise UsageError(f"{table.path}: msrun needs as many devices on each server; {hint}")
    if [rank.server for rank in table.ranks] != sorted(
        (rank.server for rank in table.ranks), key=order.index
    ):
        _warn(f"the ranks of a server in {table.path} do not follow each other", "msrun's do")
    if len(order) == 1:
        return msrun(request, sizes.pop(), env=env)
    master = table.servers[order[0]]
    address = master.get("host_ip") or master["server_id"]
    spread = {"hosts": len(order), "node": order.index(place), "master": address}
    return msrun(request, sizes.pop(), **spread, env=env)
