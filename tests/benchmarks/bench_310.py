"""The 310 program on CPU beside infer.py, MindSpore's graph mode, PyTorch and onnxruntime.

    python -m tests.benchmarks.bench_310 [--model depthnet|midas|monodepth2] [--images 40]

Same weights, same photos (640x480 JPEG), same result files. Rates are those of the additional
images of a run twice as long, so that starting, loading and compiling do not count; the programs
take turns, and the median of the rounds is shown. On a busy machine believe the CPU seconds.
Needs scripts/install_lite.sh to have been run.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks import bench_midas_network
from tests.benchmarks.common import ROOT, in_fresh_process, median_ms, report
from tests.golden_weights import det

MODULE = "tests.benchmarks.bench_310"
BUILD = ROOT / "ascend310_infer" / "build"
EXPORT_PYTHON = ROOT / ".venv-export" / "bin" / "python"
INPUTS = {
    "depthnet": (1, 3, 228, 304),
    "midas": (1, 3, 384, 384),
    "monodepth2": (1, 3, 192, 640),
}
CASES = ("mindspore", "torch", "onnxruntime")
KINDS = {"moving_mean": "mean", "moving_variance": "var", "gamma": "gamma", "beta": "beta"}


def fill(net):
    """Deterministic weights by parameter name."""
    import mindspore as ms

    for parameter in net.get_parameters():
        last = parameter.name.rsplit(".", 1)[-1]
        kind = KINDS.get(last, "bias" if last == "bias" else "weight")
        parameter.set_data(ms.Tensor(det(parameter.name, parameter.shape, kind)))
    return net.set_train(False)


def mindspore_nets(model):
    """The model's networks in graph mode."""
    if model == "midas":
        options = argparse.Namespace(grouped_conv="auto", plain=False)
        return [bench_midas_network.mindspore_net(options).set_train(False)]
    if model == "monodepth2":
        from monodepth2.src.networks import DisparityNet
        from tests.benchmarks.mindspore_monodepth2 import disparity_networks

        return [DisparityNet(**disparity_networks()).set_train(False)]
    import mindspore as ms

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    from depthnet.src.networks import CoarseNet, FineNet

    return [fill(CoarseNet()), fill(FineNet())]


def torch_net(model, folder):
    """The model as one PyTorch module, with the checkpoints' weights."""
    if model == "midas":
        return bench_midas_network.torch_net().eval()
    if model == "monodepth2":
        from tests.benchmarks.torch_monodepth2 import Disparity

        return Disparity().eval()
    import mindspore as ms
    import torch

    from tests.benchmarks import torch_depthnet

    nets = torch_depthnet.CoarseNet(), torch_depthnet.FineNet()
    for net, name in zip(nets, checkpoints(model, folder)):
        values = {
            k: torch.from_numpy(v.asnumpy()) for k, v in ms.load_checkpoint(str(name)).items()
        }
        net.load_state_dict(values)

    class Both(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.coarse, self.fine = nets

        def forward(self, rgb):
            return self.fine(rgb, self.coarse(rgb))

    return Both().eval()


def checkpoints(model, folder):
    """Where the weights lie."""
    names = {"midas": ["Midas.ckpt"], "monodepth2": ["weights"]}
    files = names.get(model, ["FinalCoarseNet.ckpt", "FinalFineNet.ckpt"])
    return [Path(folder) / name for name in files]


def save(model, folder):
    """Write the checkpoints."""
    from depthnet.src.model_utils.checkpoint import save_networks, save_parameters

    paths = checkpoints(model, folder)
    if model == "monodepth2":
        from tests.benchmarks.mindspore_monodepth2 import disparity_networks

        record = {"height": INPUTS[model][2], "width": INPUTS[model][3], "use_stereo": False}
        record |= {"num_layers": 18, "limits": [0.1, 100], "scales": [0, 1, 2, 3]}
        save_networks(disparity_networks(), paths[0], record)
        return
    for net, path in zip(mindspore_nets(model), paths):
        save_parameters(net.get_parameters(), path)


def measure(case, model, folder):
    """Milliseconds of one inference; `save` writes the checkpoints instead."""
    image = np.random.default_rng(0).random(INPUTS[model], np.float32)
    if case == "save":
        save(model, folder)
        return {}
    run = {"mindspore": _mindspore, "torch": _torch, "onnxruntime": _onnxruntime}[case]
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
    in_fresh_process(MODULE, "save", model=model, folder=folder)
    paths = checkpoints(model, folder)
    export = [EXPORT_PYTHON, "export.py", "--device_target", "CPU", "--export_path", folder]
    if model == "midas":
        run_checked([*export, "--model_weights", paths[0]], ROOT / model)
        flags = ["--mindir", folder / "midas.mindir"]
    elif model == "monodepth2":
        run_checked([*export, "--load_weights_folder", paths[0]], ROOT / model)
        flags = ["--mindir", folder / "depth.mindir"]
    else:
        weights = ["--coarse_ckpt_model", paths[0], "--fine_ckpt_model", paths[1]]
        for kind in ("coarse", "fine"):
            run_checked([*export, *weights, "--coarse_or_fine", kind], ROOT / model)
        flags = ["--mindir", paths[0].with_suffix(".mindir")]
        flags += ["--fine_mindir", paths[1].with_suffix(".mindir")]
    rng = np.random.default_rng(0)
    for name, number in (("short", count), ("long", 2 * count)):
        (folder / name).mkdir()
        for index in range(number):
            coarse = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
            photo = cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(folder / name / f"{index:05}.jpg"), photo)
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
        weights = "--load_weights_folder" if model == "monodepth2" else "--model_weights"
        words += [weights, *checkpoints(model, folder), "--formats", "png", "color"]
        return [*words, "--input_path", photos, "--output_path", folder / "python"]

    def program(photos, formats="png,color"):
        words = [BUILD / "main", *flags, "--device", "CPU", "--formats", formats]
        return [*words, "--input", photos, "--warmup", "3"]

    rates = {"infer.py": [], "310 program": []}
    for _ in range(rounds):
        for name, command in (("infer.py", python), ("310 program", program)):
            rates[name].append(end_to_end(command, folder, count))
    # Results of a few kB: hardly anything but the network runs.
    alone = run_checked(program(folder / "long", "bin"), folder)
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
