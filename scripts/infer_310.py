"""Predict a test set with exported graphs on an Ascend 310, and score the results.

Usage: run_infer_310.sh depthnet MINDIR1 MINDIR2 DATA_PATH [DEVICE_ID] [FLAG ...]
       run_infer_310.sh midas MODEL_PATH DATA_PATH Kitti|Sintel|TUM [DEVICE_ID] [FLAG ...]

MINDIR1 is the coarse graph, MINDIR2 the fine one; further flags go to the program (main --help).
Four stages, each with its log (build.log, preprocess.log, infer.log, postprocess.log): build the
program where its sources changed, write the pictures as .bin, run the graphs, score the results.
Leaves preprocess_Result/, result_Files/, time_Result/, acc.log and, for midas, result_val.json in
the current folder. Environment: DEVICE_TARGET=Ascend310|Ascend310P|CPU, LITE_HOME.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import deque
from pathlib import Path

import checks
from checks import UsageError

ROOT = Path(__file__).resolve().parents[1]
TARGETS = ("Ascend310", "Ascend310P", "CPU")
DATASETS = ("Kitti", "Sintel", "TUM")
LOG_LINES = 15  # of a failed stage's log
BUILD = ROOT / "ascend310_infer" / "build"


def main(argv):
    """Run the stages; returns the exit status."""
    try:
        plan = make_plan(argv, Path.cwd(), os.environ.get("DEVICE_TARGET", TARGETS[0]))
    except UsageError as error:
        usage = "\n".join(__doc__.splitlines()[2:4])
        print(f"error: {error}\n{usage}", file=sys.stderr)
        return 2
    remove_old_results(Path.cwd())
    for name, command, folder in plan:
        status = run_stage(name, command, folder)
        if status:
            return status
    print(f"done: {Path.cwd() / 'acc.log'}")
    return 0


def make_plan(argv, here, target):
    """The stages' (name, command, folder to run it in).

    Args:
        argv: model, its arguments, flags of the program.
        here: folder of the results.
        target: device.
    Raises:
        UsageError: what is wrong with the arguments.
    """
    checks.choice(*TARGETS)("DEVICE_TARGET", target)
    stop = next((i for i, word in enumerate(argv) if word.startswith("-")), len(argv))
    (model, *words), flags = argv[:stop] or [""], argv[stop:]
    if model not in ("depthnet", "midas"):
        raise UsageError(f"the first argument is {model or 'missing'}, expected depthnet or midas")
    if len(words) not in (3, 4):
        raise UsageError(f"{model} takes 3 or 4 arguments, got {len(words)}")
    device_id = words[3] if len(words) == 4 else "0"
    checks.number("DEVICE_ID", device_id)
    graphs, data = (words[:2], words[2]) if model == "depthnet" else (words[:1], words[1])
    graphs = [Path(checks.file("MODEL_PATH", path)) for path in graphs]
    data = checks.folder("DATA_PATH", data)
    if model == "depthnet":
        before, after, bins = _depthnet(data, here)
    else:
        before, after, bins = _midas(data, words[2], graphs[0], here)
    program = [BUILD / "main", "--mindir", graphs[0]]
    program += ["--fine_mindir", graphs[1]] if len(graphs) == 2 else []
    program += ["--input", bins, "--device", target, "--device_id", device_id, *flags]
    return [
        ("build", ["bash", ROOT / "ascend310_infer" / "build.sh"], here),
        ("preprocess", [sys.executable, "preprocess.py", *before], ROOT / model),
        ("infer", program, here),
        ("postprocess", [sys.executable, "postprocess.py", *after], ROOT / model),
    ]


def _depthnet(data, here):
    """Flags of preprocess.py and of postprocess.py, and the folder of the .bin pictures."""
    bins, results = here / "preprocess_Result", here / "result_Files"
    after = ["--result_path", results, "--label_file", bins / "label"]
    after += ["--acc_log", here / "acc.log"]
    return ["--dataset_path", data, "--output_path", bins], after, bins / "img_data"


def _midas(data, name, graph, here):
    checks.choice(*DATASETS)("DATASET_NAME", name)
    bins, results = here / "preprocess_Result", here / "result_Files"
    sidecar = graph.with_suffix(".json")
    try:
        size = json.loads(sidecar.read_text())["image"]["resize"]
        both = ["--img_height", size["height"], "--img_width", size["width"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{sidecar} is missing or broken; export.py writes it") from error
    both += ["--dataset_path", data, "--dataset_name", name]
    after = [*both, "--result_path", results, "--result_file", here / "result_val.json"]
    return [*both, "--bin_path", bins], after, bins


def remove_old_results(here):
    """Remove what an earlier run left, so that nothing of it is scored; other files stay."""
    for folder in ("preprocess_Result", "result_Files"):
        for path in (here / folder).rglob("*.bin"):
            path.unlink()
        folders = [path for path in (here / folder).rglob("*") if path.is_dir()]
        for path in sorted(folders, reverse=True):  # the innermost first
            if not any(path.iterdir()):
                path.rmdir()
    for name in ("acc.log", "result_val.json", "time_Result/test_perform_static.txt"):
        (here / name).unlink(missing_ok=True)


def run_stage(name, command, folder):
    """Run one command with its output in <name>.log; a failure shows the log's last lines."""
    log = Path.cwd() / f"{name}.log"
    print(f"{name} ...", flush=True)
    with log.open("w") as file:
        words = [str(word) for word in command]
        status = subprocess.run(words, cwd=folder, stdout=file, stderr=file).returncode
    if status:
        with log.open(errors="replace") as file:
            lines = "".join(deque(file, LOG_LINES)).rstrip()
        print(f"{lines}\nerror: {name} ended with {status}; see {log}", file=sys.stderr)
        return status if status > 0 else 1  # a signal's number is negative
    if name == "postprocess" and not (Path.cwd() / "acc.log").exists():
        shutil.copyfile(log, Path.cwd() / "acc.log")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
