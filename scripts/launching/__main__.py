"""Starts training, evaluation and export of every model; called by launch.sh.

python -m scripts.launching CALLER_FOLDER SCRIPT [ARGUMENT ...]     (in the repository's root)
"""

import contextlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from ..models import MODELS
from . import plans
from .arguments import ROOT, model_of, switch
from .checks import RunError, UsageError
from .msrun import RunningMsrun
from .performance import write_performance
from .request import COMMANDS, make_log_folder, parse, usage_line
from .results import rows_needed, step_rates
from .supervise import Running, Supervisor

_DETACHED = "ZOO_LAUNCH_DETACHED"  # set for the launcher that stays in the background


def usage(script):
    """The header comment of a launcher, and its arguments for each model."""
    header = (ROOT / "scripts" / f"{script}.sh").read_text().splitlines()[1:]
    comment = [line[2:] for line in header[: header.index("set -euo pipefail")]]
    served = [name for name, model in MODELS.items() if COMMANDS[script][0] in model.commands]
    return "\n".join([*comment, *(f"  {usage_line(script, model)}" for model in served)])


def build(request):
    """The processes of a request.

    Returns:
        (note, stages): a line to print, and lists of Job; a list runs together, lists in turn.
    """
    if request.command == "distribute":
        note, jobs = plans.distribute(request)
        return note, [jobs]
    if request.command in ("full", "performance"):
        return "", [[job] for job in plans.pipeline(request)]
    return "", [plans.gpu(request) if request.command == "gpu" else plans.standalone(request)]


def print_plan(note, stages):
    """What would run, as lines of bash."""
    if note:
        print(f"# {note}")
    for job in (job for jobs in stages for job in jobs):
        print(f"# {job.name}")
        print(job.shell_line())


def seconds(name, default):
    """An environment variable that is a number of seconds.

    Raises:
        UsageError: it is none.
    """
    text = os.environ.get(name) or default
    if not re.fullmatch(r"\d+(\.\d+)?", text):
        raise UsageError(f"{name}={text}: must be a number of seconds")
    return float(text)


def run_stages(request, stages):
    """Run the processes; returns the exit status, which is also left in the file `status`."""
    status = 1  # also of an end that nobody foresaw
    try:
        status = _run_in_turn(request, stages)
    except UsageError:
        status = 2
        raise
    except OSError as err:
        raise RunError(f"{err.filename}: {err.strerror}") from err
    finally:
        # Renamed, so that whoever waits for the file never reads an empty one.
        temporary = request.logs / f".status-{os.getpid()}"
        temporary.write_text(f"{status}\n")
        temporary.replace(request.logs / "status")
    return status


def _run_in_turn(request, stages):
    """Run the lists of processes up to the first that fails or is stopped, then report."""
    began, grace = time.monotonic(), seconds("STOP_GRACE", "60")
    show = _DETACHED not in os.environ
    for jobs in stages:
        options = {"show": show, "grace": grace, "enough": _enough(request)}
        supervisor = Supervisor(jobs, start=_start_job, **options)
        status = supervisor.run()
        if status or supervisor.stopped_by:
            return status
    if request.command in ("full", "performance"):
        of_run = {"logs": request.logs, "model": request.model}
        of_run["seconds"] = round(time.monotonic() - began)
        lines = request.row.report({**request.values, **of_run}, request.training)
        if request.command == "performance":
            print(f"written: {write_performance(request)}")
        print("\n".join(lines))
    return 0


def _start_job(job):
    return (RunningMsrun if job.rank_logs else Running)(job)


def _enough(request):
    """What tells that a performance run has made its steps; never for other runs."""
    if not request.timed:
        return lambda: False
    needed = rows_needed(int(request.values["steps"]))
    return lambda: len(step_rates(request.training)) >= needed


def detach(request, words):
    """Leave a launcher in the background that waits for the run; prints how to follow it."""
    log = request.logs / "launcher.log"
    env = {**os.environ, "LOG_DIR": str(request.logs), _DETACHED: "1", "BACKGROUND": "0"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "scripts.launching", str(Path.cwd()), request.script, *words],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    print(f"in the background: pid {process.pid} (kill it to stop the run), messages in {log}")
    print(f"its exit status will be in {request.logs / 'status'}")
    return 0


def start(request, words, background):
    """Print the plan, or run it here or in the background. Returns the exit status."""
    note, stages = build(request)
    if request.dry_run:
        print_plan(note, stages)
        return 0
    if request.timed and (request.training / "metrics.csv").exists():
        where = request.training
        raise UsageError(f"{where} has a metrics.csv already; give another --output_path")
    make_log_folder(request.logs, request.old_files)
    if note:
        print(note)
    for job in (job for jobs in stages for job in jobs):
        print(f"log of {job.name}: {job.log}")
        for rank, log in job.rank_logs.items():
            print(f"log of rank {rank}: {log}")
    sys.stdout.flush()
    return detach(request, words) if background else run_stages(request, stages)


def _usage_of(script, words):
    """The usage line of the model that the words are about; None when they are about none."""
    with contextlib.suppress(UsageError):
        model, _ = model_of(words)
        if COMMANDS[script][0] in MODELS[model].commands:
            return f"usage: {usage_line(script, model)}"
    return None


def main(argv):
    """Run one launcher: argv is its path and its arguments. Returns the exit status."""
    script, words = Path(argv[0]).stem, argv[1:]
    if words[:1] in (["-h"], ["--help"]) or not (words or _usage_of(script, words)):
        print(usage(script), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    try:
        background = switch("BACKGROUND")
        if background and switch("FOREGROUND"):
            raise UsageError("BACKGROUND=1 and FOREGROUND=1 contradict each other")
        return start(parse(script, words), words, background)
    except RunError as err:
        print(f"failed: {err}", file=sys.stderr)
        return 1
    except UsageError as err:
        print(f"error: {err}", file=sys.stderr)
        if line := _usage_of(script, words):
            print(line, file=sys.stderr)
        return 2


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
