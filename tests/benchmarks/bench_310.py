"""The 310 program on CPU beside infer.py, MindSpore's graph mode, PyTorch and onnxruntime.

    python -m tests.benchmarks.bench_310 [--model depthnet|geonet|midas|monodepth2] [--images 40]

Same weights, same photos (640x480 JPEG), same result files. Rates are those of the additional
images of a run twice as long, so that starting, loading and compiling do not count; the programs
take turns, and the median of the rounds is shown. On a busy machine believe the CPU seconds.
onnxruntime is measured twice: as it is, and held to AVX2, as MindSpore and Lite are.
Needs scripts/install_lite.sh to have been run.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.benchmarks.avx2 import hide_avx512
from tests.benchmarks.common import ROOT, in_fresh_process, median_ms, photos, report
from tests.benchmarks.models_310 import (
    INPUTS,
    exports,
    infer_flags,
    mindspore_nets,
    save,
    torch_net,
)

MODULE = "tests.benchmarks.bench_310"
BUILD = ROOT / "ascend310_infer" / "build"
EXPORT_PYTHON = ROOT / ".venv-export" / "bin" / "python"
SMALL = (64, 48)  # of photos that are decoded in no time
AVX2 = "onnxruntime with AVX2"
CASES = ("mindspore", "torch", "onnxruntime", AVX2)


def measure(case, model, folder):
    """Milliseconds of one inference; `save` writes the checkpoints instead."""
    image = np.random.default_rng(0).random(INPUTS[model], np.float32)
    if case == "save":
        save(model, folder)
        return {}
    if case == AVX2:
        hide_avx512()
    runs = {"mindspore": _mindspore, "torch": _torch}
    run = runs.get(case, _onnxruntime)
    return {"ms": median_ms(run(model, folder, image), 15, warm_up=3)}


def _mindspore(model, folder, image):
    import mindspore as ms

    nets, image = mindspore_nets(model), ms.Tensor(image)

    def run():
        result = nets[0](image)
        (nets[1](image, result) if len(nets) == 2 else result).asnumpy()

    return run


def _torch(model, folder, image):
    import torch

    net, image = torch_net(model, folder), torch.from_numpy(image)

    def run():
        with torch.inference_mode():
            net(image)

    return run


def _onnxruntime(model, folder, image):
    import onnxruntime
    import torch

    path = str(Path(folder) / "net.onnx")
    options = {"input_names": ["rgb"], "dynamo": False}
    torch.onnx.export(torch_net(model, folder), (torch.from_numpy(image),), path, **options)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"rgb": image})


def run_checked(command, folder):
    """Standard output of a command; ends the benchmark with its last lines when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{words[:3]} failed:\n{done.stderr[-1500:]}")
    return done.stdout


def prepare(model, folder, count):
    """Checkpoints, exported graphs and two folders of photos; returns the program's model flags."""
    saved = in_fresh_process(MODULE, "save", model=model, folder=folder)
    if "error" in saved:
        raise SystemExit(f"{model}, weights: {saved['error']}")
    export = [EXPORT_PYTHON, "export.py", "--device_target", "CPU", "--export_path", folder]
    runs, flags = exports(model, folder)
    for words in runs:
        run_checked([*export, *words], ROOT / model)
    photos(folder / "short", count)
    photos(folder / "long", 2 * count)
    photos(folder / "small", 2 * count, SMALL)
    return flags


def end_to_end(command, folder, count):
    """(images/s, CPU seconds an image) of the images by which the long run is longer."""
    seconds, cpu = [], []
    for name in ("short", "long"):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out = run_checked(command(folder / name), folder)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        seconds.append(float(re.search(r"images in ([0-9.]+) s, ", out).group(1)))
    return count / (seconds[1] - seconds[0]), (cpu[1] - cpu[0]) / count


def compare(model, folder, count, rounds):
    """Rows of the two tables: end to end, and inference alone."""
    flags = prepare(model, folder, count)

    def python(photos):
        words = [sys.executable, ROOT / model / "infer.py", "--device_target", "CPU"]
        words += [*infer_flags(model, folder), "--formats", "png", "color"]
        return [*words, "--input_path", photos, "--output_path", folder / "python"]

    def program(photos, formats="png,color"):
        words = [BUILD / "main", *flags, "--device", "CPU", "--formats", formats]
        return [*words, "--input", photos, "--warmup", "3"]

    run_checked(python(folder / "short"), folder)  # compiles and keeps the graphs
    rates = {"infer.py": [], "310 program": []}
    for _ in range(rounds):
        for name, command in (("infer.py", python), ("310 program", program)):
            rates[name].append(end_to_end(command, folder, count))
    # Files of a few kB: hardly anything but the network runs.
    alone = run_checked(program(folder / "small", "bin"), folder)
    lite = float(re.search(r"p50 ([0-9.]+) ms", alone).group(1))
    rates = {name: np.median(values, axis=0).tolist() for name, values in rates.items()}
    rows = [[name, rate, rate / rates["infer.py"][0], cpu] for name, (rate, cpu) in rates.items()]
    inference = [["MindSpore Lite 2.0.0 (in the program)", lite, 1.0]]
    for case in CASES:
        result = in_fresh_process(MODULE, case, model=model, folder=folder)
        time = result.get("ms")
        inference.append([result.get("error", case), time, time and time / lite])
    return rows, inference


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="depthnet", choices=sorted(INPUTS))
    parser.add_argument("--images", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", default="out/benchmarks/310")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        import json

        print(json.dumps(measure(options.case, options.model, options.folder)))
        return
    run_checked(["bash", ROOT / "ascend310_infer" / "build.sh"], ROOT)
    with tempfile.TemporaryDirectory() as folder:
        rows, inference = compare(options.model, Path(folder), options.images, options.rounds)
    path = f"{options.json}_{options.model}"
    title = f"{options.model}, photo to pictures, CPU"
    report(
        title,
        ["program", "images/s", "of infer.py", "CPU s/image"],
        rows,
        f"{path}_end_to_end.json",
    )
    columns = ["inference, batch 1", "ms", "of Lite's"]
    report(f"{options.model}, network alone", columns, inference, f"{path}_inference.json")


if __name__ == "__main__":
    main()
