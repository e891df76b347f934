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

from tests.benchmarks.common import ROOT, in_fresh_process, peak_mb, report, sgemm_gflops
from tests.golden_weights import det

MODULE = "tests.benchmarks.bench_depthnet"
BATCHES = (1, 8)
FORMS = ("eager", "channels_last", "compile")


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


def torch_nets(form):
    """The same in PyTorch, in one of FORMS."""
    import torch

    from tests.benchmarks.torch_depthnet import CoarseNet, FineNet

    nets = CoarseNet(), FineNet()
    for net in nets:
        for name, parameter in net.named_parameters():
            values = det(name, tuple(parameter.shape), kind_of(name))
            parameter.data = torch.from_numpy(values)
        if form == "channels_last":
            net.to(memory_format=torch.channels_last)
    return [torch.compile(net) if form == "compile" else net for net in nets]


def torch_tensor(array, form):
    """An image batch, laid out as its form wants it."""
    import torch

    tensor = torch.from_numpy(array)
    return tensor.to(memory_format=torch.channels_last) if form == "channels_last" else tensor


def mindspore_inference(batch, repeats, form):
    """Both stages, image to depth."""
    import mindspore as ms

    coarse, fine = (net.set_train(False) for net in mindspore_nets())
    rgb = ms.Tensor(arrays(batch)[0])

    def call():
        return fine(rgb, coarse(rgb)).asnumpy()

    return timed(call, repeats)


def torch_inference(batch, repeats, form):
    """Both stages, image to depth."""
    import torch

    coarse, fine = (net.eval() for net in torch_nets(form))
    rgb = torch_tensor(arrays(batch)[0], form)

    def call():
        with torch.inference_mode():
            return fine(rgb, coarse(rgb)).numpy()

    return timed(call, repeats)


def mindspore_train(batch, repeats, form):
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


def torch_train(batch, repeats, form):
    """One step of the coarse stage, Adam."""
    import torch

    from tests.benchmarks.torch_depthnet import loss

    net = torch_nets(form)[0]
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-6)
    rgb, depth = (torch_tensor(array, form) for array in arrays(batch))

    def call():
        optimizer.zero_grad()
        value = loss(net(rgb), depth)
        value.backward()
        optimizer.step()
        return value.item()

    return timed(call, repeats)


def timed(call, repeats):
    """First call (compiles), fastest of the rest, and the peak memory of the process."""
    times = []
    for _ in range(2 + repeats):
        began = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - began))
    ms = min(times[2:])
    return {"ms": ms, "compile_s": (times[0] - ms) / 1000, "peak_mb": peak_mb()}


def pipeline(batch, repeats, form):
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


def row(what, torch_isa, **options):
    """[what, batch, ms, PyTorch's in its fastest form, ratio, form, eager, compile_s, MB twice]."""
    ours = in_fresh_process(MODULE, f"mindspore {what}", **options)
    forms = FORMS if importlib.util.find_spec("torch") else ()
    case = f"pytorch {what}"
    theirs = {
        form: in_fresh_process(MODULE, case, torch_isa=torch_isa, form=form, **options)
        for form in forms
    }
    theirs = {form: result for form, result in theirs.items() if "ms" in result}
    best = min(theirs, key=lambda form: theirs[form]["ms"], default=None)
    other = theirs.get(best, {})
    ratio = ours["ms"] / other["ms"] if other else None
    eager = theirs.get("eager", {}).get("ms")
    times = [ours["ms"], other.get("ms"), ratio, best, eager, ours["compile_s"]]
    return [what, options["batch"], *times, ours["peak_mb"], other.get("peak_mb")]


def main():
    """Measure one case (in the child) or all of them (the program)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "depthnet.json")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--torch_isa",
        default="AVX2",
        help="the limit of PyTorch's convolutions, by default MindSpore's; ALL for none",
    )
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--form", choices=FORMS, help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, default=1, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(CASES[args.case](args.batch, args.repeats, args.form)))
        return
    rate, macs = sgemm_gflops(), multiply_adds()
    print(f"sgemm {rate:.0f} GFLOP/s; {macs / 1e9:.2f} G multiply-adds per image, both stages")
    columns = "what batch ms pytorch_ms ratio pytorch_form eager_ms sgemm_ms sgemm_share compile_s"
    columns = [*columns.split(), "peak_mb", "torch_mb"]
    rows = []
    for what in ("inference", "train"):
        for batch in BATCHES:
            rows.append(row(what, args.torch_isa, batch=batch, repeats=args.repeats))
            ideal = 2 * macs * batch / rate / 1e6 if what == "inference" else None
            share = ideal / rows[-1][2] if ideal else None
            rows[-1][7:7] = [ideal, share]
    report("DepthNet, CPU", columns, rows, args.json)
    data = in_fresh_process(MODULE, "pipeline", batch=4, repeats=args.repeats)
    path = Path(args.json).with_name(Path(args.json).stem + "_pipeline.json")
    report("training data, batch 4", list(data), [list(data.values())], path)


if __name__ == "__main__":
    main()
