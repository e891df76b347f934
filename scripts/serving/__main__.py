"""Predict a test set with exported graphs on an Ascend 310, and score the results.

python -m scripts.serving CALLER_FOLDER SCRIPT [ARGUMENT ...]     (in the repository's root)
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path

from ..launching import checks
from ..launching.arguments import ROOT, match_arguments, model_of, models_folder, split_words
from ..launching.checks import UsageError
from ..launching.supervise import exit_status
from ..launching.table import DEVICE_ID
from ..models import MODELS

TARGETS = ("Ascend310", "Ascend310P", "CPU")
LOG_LINES = 15  # of a failed stage's log
PROGRAM = ROOT / "ascend310_infer"
RESULTS = ("*.bin", "*.flo", "trajectory*.txt")  # what is scored, and may be left of another run


def usage():
    """The script's header comment, and the arguments of each model."""
    header = (ROOT / "scripts" / "run_infer_310.sh").read_text().splitlines()[1:]
    comment = [line[2:] for line in header[: header.index("set -euo pipefail")]]
    return "\n".join([*comment, *(f"  {usage_line(model)}" for model in MODELS)])


def usage_line(model):
    """One line with the arguments for a model."""
    words = [*map(str, _arguments(model)), "[FLAG ...]"]
    return f"bash scripts/run_infer_310.sh {model} {' '.join(words)}"


def _arguments(model):
    return (*MODELS[model].serving.arguments, replace(DEVICE_ID, required=False))


def main(argv):
    """Run the stages; argv is the script and its arguments. Returns the exit status."""
    here, words, named = Path.cwd(), argv[1:], list(MODELS)
    if words[:1] in (["-h"], ["--help"]):
        print(usage())
        return 0
    try:
        words, flags, dry_run = split_words(words)
        model, given = model_of(words)
        named = [model]
        plan = make_plan(model, given, flags, here)
    except UsageError as error:
        lines = [f"usage: {usage_line(name)}" for name in named]
        print("\n".join([f"error: {error}", *lines]), file=sys.stderr)
        return 2
    if dry_run:
        for name, command, folder in plan:
            print(f"# {name}\ncd {shlex.quote(str(folder))} && {shlex.join(command)}")
        return 0
    remove_old_results(here, MODELS[model].serving.results)
    for name, command, folder in plan:
        status = run_stage(name, command, folder)
        if status:
            return status
    print(f"done: {here / 'acc.log'}")
    return 0


def make_plan(model, given, flags, here):
    """The stages: (name, command, folder to run it in).

    Args:
        model: a key of MODELS.
        given: its arguments.
        flags: of the 310 program.
        here: folder of the results.
    Raises:
        UsageError: what is wrong with the arguments.
    """
    target = os.environ.get("DEVICE_TARGET", TARGETS[0])
    checks.choice(*TARGETS)("DEVICE_TARGET", target)
    serving, folder = MODELS[model].serving, models_folder() / model
    values, _ = match_arguments(model, _arguments(model), given)
    values = {"here": here, "DEVICE_ID": "0", **values}
    if serving.sidecar:
        values |= sidecar_size(Path(values[serving.sidecar]))

    def filled(words):
        return [word.format(**values) for word in words]

    device = ["--device", target, "--device_id", values["DEVICE_ID"]]
    program = [str(PROGRAM / "build" / "main"), *filled(serving.program), *device, *flags]
    before = [sys.executable, "preprocess.py", *filled(serving.preprocess)]
    after = [sys.executable, "postprocess.py", *filled(serving.postprocess)]
    return [
        ("build", ["bash", str(PROGRAM / "build.sh")], here),
        ("preprocess", before, folder),
        ("infer", program, here),
        ("postprocess", after, folder),
    ]


def sidecar_size(graph):
    """{"height", "width"}: of the images at a graph's input, from the .json beside it.

    Raises:
        UsageError: there is none, or it does not say.
    """
    sidecar = graph.with_suffix(".json")
    try:
        size = json.loads(sidecar.read_text())["image"]["resize"]
        return {"height": int(size["height"]), "width": int(size["width"])}
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UsageError(f"{sidecar} is missing or broken; export.py writes it") from error


def remove_old_results(here, names):
    """Remove what an earlier run left, so that nothing of it is scored; other files stay."""
    for folder in ("preprocess_Result", "result_Files"):
        for path in (path for kind in RESULTS for path in (here / folder).rglob(kind)):
            path.unlink()
        folders = [path for path in (here / folder).rglob("*") if path.is_dir()]
        for path in sorted(folders, reverse=True):  # the innermost first
            if not any(path.iterdir()):
                path.rmdir()
    for name in (*names, "time_Result/test_perform_static.txt"):
        (here / name).unlink(missing_ok=True)


def run_stage(name, command, folder):
    """Run one command with its output in <name>.log; a failure shows the log's last lines."""
    log = Path.cwd() / f"{name}.log"
    print(f"{name} ...", flush=True)
    with log.open("w") as file:
        status = subprocess.run(command, cwd=folder, stdout=file, stderr=file).returncode
    if status:
        with log.open(errors="replace") as file:
            lines = "".join(deque(file, LOG_LINES)).rstrip()
        print(f"{lines}\nerror: {name} ended with {status}; see {log}", file=sys.stderr)
        return exit_status(status)
    if name == "postprocess" and not (Path.cwd() / "acc.log").exists():
        shutil.copyfile(log, Path.cwd() / "acc.log")
    return 0


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    sys.exit(main(sys.argv[2:]))
