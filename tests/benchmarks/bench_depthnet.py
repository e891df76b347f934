"""DepthNet on this machine, beside PyTorch with the same weights and the machine's sgemm rate.

    python -m tests.benchmarks.bench_depthnet [--json out/benchmarks/depthnet.json]

Every row is measured in a process of its own; ratios belong to one run of this program.
"""

import argparse
import csv
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.common import ROOT, in_fresh_process, median_ms, peak_mb, report, sgemm_gflops
from tests.golden_weights import det

MODULE = "tests.benchmarks.bench_depthnet"
BATCHES = (1, 8)


def arrays(batch):
    """Random image batch and target depth."""
    rng = np.random.default_rng(0)
    target = rng.uniform(0.5, 9, (batch, 1, 55, 74)).astype(np.float32)
    return rng.random((batch, 3, 228, 304), np.float32), target


def kind_of(name):
    """Kind of a parameter for the deterministic weights."""
    return "bias" if name.endswith("bias") else "weight"


def mindspore_nets():
    """CoarseNet and FineNet with the deterministic weights, graph mode."""
    import mindspore as ms

    from depthnet.src.networks import CoarseNet, FineNet

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    nets = CoarseNet(), FineNet()
    for net in nets:
        for parameter in net.get_parameters():
            values = det(parameter.name, parameter.shape, kind_of(parameter.name))
            parameter.set_data(ms.Tensor(values))
    return nets


def torch_nets():
    """The same in PyTorch."""
    import torch

    from tests.benchmarks.torch_depthnet import CoarseNet, FineNet

    nets = CoarseNet(), FineNet()
    for net in nets:
        for name, parameter in net.named_parameters():
            values = det(name, tuple(parameter.shape), kind_of(name))
            parameter.data = torch.from_numpy(values)
    return nets


def mindspore_inference(batch, repeats):
    """Both stages, image to depth."""
    import mindspore as ms

    coarse, fine = (net.set_train(False) for net in mindspore_nets())
    rgb = ms.Tensor(arrays(batch)[0])

    def call():
        return fine(rgb, coarse(rgb)).asnumpy()

    return timed(call, repeats)


def torch_inference(batch, repeats):
    """Both stages, image to depth."""
    import torch

    coarse, fine = (net.eval() for net in torch_nets())
    rgb = torch.from_numpy(arrays(batch)[0])

    def call():
        with torch.inference_mode():
            return fine(rgb, coarse(rgb)).numpy()

    return timed(call, repeats)


def mindspore_train(batch, repeats):
    """One step of the coarse stage, Adam."""
    import mindspore as ms
    from mindspore import nn

    from depthnet.src.losses import DepthLoss
    from depthnet.src.model_utils.device import Device
    from depthnet.src.model_utils.step import TrainStep

    net, loss = mindspore_nets()[0], DepthLoss()
    optimizer = nn.Adam(net.trainable_params(), learning_rate=1e-6)

    def forward(rgb, depth):
        return {"loss": loss(net(rgb), depth)}

    step = TrainStep(forward, {"coarse": net}, optimizer, Device("CPU"))
    batch = tuple(ms.Tensor(array) for array in arrays(batch))

    def call():
        step(batch)
        return step.look()

    return timed(call, repeats)


def torch_train(batch, repeats):
    """One step of the coarse stage, Adam."""
    import torch

    from tests.benchmarks.torch_depthnet import loss

    net = torch_nets()[0]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-6)
    rgb, depth = (torch.from_numpy(array) for array in arrays(batch))

    def call():
        optimizer.zero_grad()
        value = loss(net(rgb), depth)
        value.backward()
        optimizer.step()
        return value.item()

    return timed(call, repeats)


def timed(call, repeats):
    """First call (compiles), median of the rest, and the peak memory of the process."""
    began = time.perf_counter()
    call()
    first = time.perf_counter() - began
    ms = median_ms(call, repeats)
    return {"ms": ms, "compile_s": first - ms / 1000, "peak_mb": peak_mb()}


def pipeline(batch, repeats):
    """Images/s of the training pipeline alone, and the share of a real step spent waiting."""
    from depthnet.src.datasets import NyuTrain
    from depthnet.src.model_utils.stream import SampleStream
    from tests.synthetic.__main__ import main as render

    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "NYU"
        sys.stdout, kept = sys.stderr, sys.stdout
        render(["nyu", str(tree), "--train", "48", "--test", "0", "--seed", "0"])
        sys.stdout = kept
        stream = SampleStream(NyuTrain(tree), batch, seed=0)
        rates = {}
        for workers in (1, 2):
            data = stream.batches(0, 400 // batch, ("rgb", "depth"), workers=workers)
            batches = data.create_tuple_iterator(num_epochs=1, output_numpy=True)
            next(batches)
            began = time.perf_counter()
            count = sum(len(rgb) for rgb, _ in batches)
            rates[f"images_per_s_{workers}"] = count / (time.perf_counter() - began)
        return {**rates, "wait_share": wait_share(tree, Path(folder) / "Model", batch, repeats)}


def wait_share(tree, out, batch, steps):
    """Share of the time of train.py's steps that went into waiting for data, first step aside."""
    flags = {"data_url": tree, "train_url": out, "batch_size": batch, "log_steps": 1}
    flags.update(stage="coarse", coarse_net_train_step=steps + 1, save_ckpt_steps=10**6)
    words = [str(word) for key, value in flags.items() for word in (f"--{key}", value)]
    command = [sys.executable, str(ROOT / "depthnet" / "train.py"), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=tree)
    with (out / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))[1:]
    weights = [1 / float(row["examples_per_s"]) for row in rows]
    return float(np.average([float(row["wait_share"]) for row in rows], weights=weights))


def multiply_adds():
    """Multiply-adds of one image in both stages, counted at the layers."""
    import mindspore as ms
    from mindspore import nn

    ms.set_context(mode=ms.PYNATIVE_MODE)
    from depthnet.src.model_utils.cpu_forms import use_plain_forms
    from depthnet.src.networks import CoarseNet, FineNet

    total = []

    def count(cell, inputs, output):
        weight, pooled = cell.weight.shape, 4 if getattr(cell, "pools", False) else 1
        pixels = output.shape[2] * output.shape[3] if len(output.shape) == 4 else 1
        if isinstance(cell, nn.Conv2dTranspose):  # each output pixel gets one tap of 2x2 stride 2
            pixels //= weight[2] * weight[3]
        total.append(int(np.prod(weight)) * pixels * pooled)

    nets = CoarseNet(), FineNet()
    for net in nets:
        use_plain_forms(net)
        for _, cell in net.cells_and_names():
            if isinstance(cell, (nn.Conv2d, nn.Conv2dTranspose, nn.Dense)):
                cell.register_forward_hook(count)
    rgb = ms.Tensor(arrays(1)[0])
    nets[1](rgb, nets[0](rgb))
    return sum(total)


CASES = {
    "mindspore inference": mindspore_inference,
    "mindspore train": mindspore_train,
    "pytorch inference": torch_inference,
    "pytorch train": torch_train,
    "pipeline": pipeline,
}


def main():
    """Measure one case (in the child) or all of them (the program)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "depthnet.json")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=1, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(CASES[args.case](args.batch, args.repeats)))
        return
    rate, macs = sgemm_gflops(), multiply_adds()
    print(f"sgemm {rate:.0f} GFLOP/s; {macs / 1e9:.2f} G multiply-adds per image, both stages")
    with_torch = importlib.util.find_spec("torch") is not None
    columns = "what batch ms pytorch_ms ratio sgemm_ms sgemm_share compile_s peak_mb torch_mb"
    rows = []
    for what in ("inference", "train"):
        for batch in BATCHES:
            options = {"batch": batch, "repeats": args.repeats}
            ours = in_fresh_process(MODULE, f"mindspore {what}", **options)
            other = in_fresh_process(MODULE, f"pytorch {what}", **options) if with_torch else {}
            ideal = 2 * macs * batch / rate / 1e6 if what == "inference" else None
            ratio = ours["ms"] / other["ms"] if other else None
            share = ideal / ours["ms"] if ideal else None
            memory = (ours["peak_mb"], other.get("peak_mb"))
            times = [ours["ms"], other.get("ms"), ratio, ideal, share, ours["compile_s"]]
            rows.append([what, batch, *times, *memory])
    report("DepthNet, CPU", columns.split(), rows, args.json)
    data = in_fresh_process(MODULE, "pipeline", batch=4, repeats=args.repeats)
    path = Path(args.json).with_name(Path(args.json).stem + "_pipeline.json")
    report("training data, batch 4", list(data), [list(data.values())], path)


if __name__ == "__main__":
    main()
