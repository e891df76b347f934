"""Starts training, evaluation and export of every model; called by the .sh files beside it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import plans
from checks import UsageError
from models import MODELS
from msrun import RunningMsrun
from request import COMMANDS, make_log_folder, parse, switch, usage_line
from results import numbers, speed, step_rates
from supervise import Running, Supervisor

_DETACHED = "ZOO_LAUNCH_DETACHED"  # set for the launcher that stays behind in the background


def usage(script):
    """The header comment of a launcher, and its arguments for each model."""
    header = Path(__file__).with_name(f"{script}.sh").read_text().splitlines()[1:]
    comment = [line[2:] for line in header[: header.index("set -euo pipefail")]]
    served = [model for model in MODELS if COMMANDS[script][0] in MODELS[model]]
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
    grace = seconds("STOP_GRACE", "60")
    status = 1
    try:
        for jobs in stages:
            show = _DETACHED not in os.environ
            supervisor = Supervisor(jobs, _start_job, show, grace, _enough(request))
            status = supervisor.run()
            if status or supervisor.stopped_by:
                break
        else:
            _results(request)
    except UsageError:
        status = 2
        raise
    finally:
        (request.logs / "status").write_text(f"{status}\n")
    return status


def _start_job(job):
    return (RunningMsrun if job.rank_logs else Running)(job)


def _output(request):
    return Path(request.values.get("output_path") or request.logs)


def _enough(request):
    """What tells that a performance run has made its steps; never for other runs."""
    if request.command != "performance":
        return lambda: False
    steps = int(request.values["steps"])
    return lambda: len(step_rates(_output(request))) >= steps


def _results(request):
    """What a pipeline prints at its end."""
    output = _output(request)
    if request.command == "performance":
        print(speed(output, int(request.values["steps"])), flush=True)
    if request.command == "full":
        path = Path(request.row.metrics.format(output_path=output))
        print(f"final metrics ({path}):")
        for name, value in numbers(json.loads(path.read_text())):
            print(f"  {name}: {value:.6g}", flush=True)


def detach(request, words):
    """Leave a launcher behind that waits for the run; prints how to follow it."""
    log = request.logs / "launcher.log"
    env = {**os.environ, "LOG_DIR": str(request.logs), _DETACHED: "1", "BACKGROUND": "0"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, __file__, request.script, *words],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    print(f"in the background: pid {process.pid} (kill it to stop the run), messages in {log}")
    print(f"its exit status will be in {request.logs / 'status'}", flush=True)
    return 0


def start(request, words, background):
    """Print the plan, or run it here or in the background. Returns the exit status."""
    note, stages = build(request)
    if request.dry_run:
        print_plan(note, stages)
        return 0
    if request.command == "performance" and (_output(request) / "metrics.csv").exists():
        raise UsageError(
            f"{_output(request)} has a metrics.csv already; give another --output_path"
        )
    make_log_folder(request.logs)
    if note:
        print(note)
    for job in (job for jobs in stages for job in jobs):
        print(f"log of {job.name}: {job.log}")
        for rank, log in job.rank_logs.items():
            print(f"log of rank {rank}: {log}")
    sys.stdout.flush()
    return detach(request, words) if background else run_stages(request, stages)


def main(argv):
    """Run one launcher: argv is its path and its arguments. Returns the exit status."""
    script, words = Path(argv[0]).stem, argv[1:]
    if not words or words[0] in ("-h", "--help"):
        print(usage(script), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    try:
        background = switch("BACKGROUND")
        if background and switch("FOREGROUND"):
            raise UsageError("BACKGROUND=1 and FOREGROUND=1 contradict each other")
        return start(parse(script, words), words, background)
    except UsageError as err:
        print(f"error: {err}", file=sys.stderr)
        if COMMANDS[script][0] in MODELS.get(words[0], ()):
            print(f"usage: {usage_line(script, words[0])}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
