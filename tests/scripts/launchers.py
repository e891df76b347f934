"""Runs the launchers as users do, on fake models whose programs take no time."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from scripts.models import MODELS

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
VARIABLES = (
    *("DEVICE_TARGET", "DRY_RUN", "BACKGROUND", "FOREGROUND", "LOG_DIR", "SERVER_ID"),
    *("MASTER_PORT", "STOP_GRACE", "HCCL_CONNECT_TIMEOUT", "MS_CPU_COMM_OP_TIMEOUT"),
    *("RANK_TABLE_START", "ASCEND_RT_VISIBLE_DEVICES", "ASCEND_DEVICE_ID"),
)

# A program of a model: writes its arguments and environment as JSON, then does what BEHAVIOUR
# asks of this rank, "1:exit 3;0:hang" for instance.
PROGRAM = """
import json, os, signal, subprocess, sys, time
from pathlib import Path
if os.environ.get("MS_ROLE") == "MS_SCHED":
    sys.exit(0)
rank = os.environ.get("RANK_ID", "0")
name = Path(sys.argv[0]).stem
record = Path(os.environ["RECORDS"]) / f"{name}_{rank}.json"
keys = ("RANK_ID", "RANK_SIZE", "DEVICE_ID", "RANK_TABLE_FILE", "HCCL_CONNECT_TIMEOUT", "MS_ROLE")
keys += ("ASCEND_RT_VISIBLE_DEVICES",)
environ = {key: os.environ[key] for key in keys if key in os.environ}
text = {"arguments": sys.argv[1:], "environ": environ, "pid": os.getpid(), "cwd": os.getcwd()}
record.with_suffix(".tmp").write_text(json.dumps(text))
os.replace(record.with_suffix(".tmp"), record)
wanted = dict(word.split(":") for word in os.environ.get("BEHAVIOUR", "").split(";") if word)
action = wanted.get(rank, "exit 0")
print(f"{name} of rank {rank}: {action}", flush=True)
def saved(number, frame):
    print("saved, stopping", flush=True)
    sys.exit(0)
if action == "rows":
    out = Path(sys.argv[sys.argv.index("--train_url") + 1])
    (out / "ckpt").mkdir(parents=True)
    (out / "ckpt" / "config.yaml").write_text("seed: 0\\nbatch_size: 4\\n")
    rates = (0.5, 4, 8, 8, 100, 100)  # examples/s: steps of 8, 1, 0.5 and 0.5 s, and two more
    rows = [f"coarse,{step},1.0,{rate},0.{step}" for step, rate in enumerate(rates)]
    columns = "stage,step,loss,examples_per_s,wait_share"
    (out / "metrics.csv").write_text("\\n".join([columns, *rows, ""]))
    print("device: CPU 0, rank 0 of 1", flush=True)
    action = "hang"
if action == "family":
    child = subprocess.Popen(["sleep", "120"])
    record.with_suffix(".child").write_text(str(child.pid))
    action = "stubborn"
if action in ("stubborn", "hang"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN if action == "stubborn" else saved)
    Path(str(record) + ".ready").touch()
    time.sleep(120)
time.sleep(2 if action.startswith("late") else 0.3)
sys.exit(int(action.split()[1]))
"""


class Launchers:
    """The launchers on a folder of fake models; `scripts` is the folder they are taken from."""

    scripts = SCRIPTS

    def __init__(self, folder):
        self.models, self.records, self.logs = (
            folder / "models",
            folder / "records",
            folder / "logs",
        )
        self.records.mkdir()
        for model in MODELS:
            (self.models / model).mkdir(parents=True)
            for name in ("train", "eval", "export", "export_gt_depth"):
                (self.models / model / f"{name}.py").write_text(PROGRAM)

    def environment(self, **variables):
        """The environment of a launcher; the caller's own settings do not leak in."""
        kept = {key: value for key, value in os.environ.items() if key not in VARIABLES}
        own = {"PYTHON": sys.executable, "ZOO_MODELS_DIR": self.models, "RECORDS": self.records}
        own = {**own, "LOG_DIR": self.logs, **variables}
        return {**kept, **{key: str(value) for key, value in own.items()}}

    def start(self, script, *arguments, cwd=None, **variables):
        """Popen of `bash scripts/<script>.sh arguments`, output piped as text."""
        return subprocess.Popen(
            ["bash", str(self.scripts / f"{script}.sh"), *map(str, arguments)],
            env=self.environment(**variables),
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script, *arguments, status=0, timeout=60, **options):
        """Run to the end, check the exit status; returns (stdout, stderr)."""
        process = self.start(script, *arguments, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.terminate()
            out, err = process.communicate(timeout=timeout)
        assert process.returncode == status, f"exit {process.returncode}\n{out}\n{err}"
        return out, err

    def refuse(self, script, *arguments, **options):
        """Run something that a user got wrong: exit 2, one error line; returns the line."""
        out, err = self.run(script, *arguments, status=2, **options)
        lines = [line for line in err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1 and "Traceback" not in err, err
        assert not list(self.records.iterdir()), "something was started"
        return lines[0]

    def dry_run(self, script, *arguments, **options):
        """The planned processes as {name: (environment, command words)} and the note."""
        return plan(self.run(script, *arguments, "--dry_run", **options)[0])

    def dry_run_on_hosts(self, hosts, script, *arguments, **variables):
        """One dry run for each SERVER_ID in `hosts`, all in one process: a list of plans."""
        call = [f"{script}.sh", *map(str, arguments), "--dry_run"]
        done = subprocess.run(
            [sys.executable, "-c", ON_HOSTS, json.dumps(hosts), json.dumps(call)],
            cwd=self.scripts.parent,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return [plan(text) for text in done.stdout.split("=== next host\n")[1:]]


ON_HOSTS = """
import json, os, sys
from scripts.launching.__main__ import main
for host in json.loads(sys.argv[1]):
    print("=== next host")
    os.environ["SERVER_ID"] = host
    assert main(json.loads(sys.argv[2])) == 0
"""


def plan(text):
    """What a dry run printed as {name: (environment, command words)} and its note."""
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    note = lines.pop(0) if len(lines) % 2 else ""
    return {name: split(line) for name, line in zip(lines[::2], lines[1::2])}, note


def split(line):
    """A line of a dry run as (environment, command words without redirection)."""
    words = shlex.split(line)
    assert words[0] == "cd" and words[2] == "&&" and words[-1] == "2>&1"
    words, environ = words[3:-3], {}
    if words[0] == "env":
        words = words[1:]
        while "=" in words[0]:
            key, _, environ[key] = words.pop(0).partition("=")
    return environ, words


def server_id(host):
    """Address of the host-th simulated host; the dictionary order is the order of the numbers."""
    return f"10.0.{100 + host // 100}.{100 + host % 100}"


def make_rank_table(*arguments, status=0):
    """Run scripts/make_rank_table.py; returns (stdout, stderr)."""
    command = [sys.executable, str(SCRIPTS / "make_rank_table.py"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def beside_python(name):
    """A program of the interpreter's environment (shellcheck, msrun), else from PATH."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is not installed; requirements-test.txt has it"
    return found
