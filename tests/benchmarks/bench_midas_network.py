"""MidasNet on this machine, beside PyTorch with the same weights.

    python -m tests.benchmarks.bench_midas_network [--json FILE] [--rounds 2] [--plain 1]

One image of 384x384: prediction, and a training step (mean square error, Adam). Every measurement
is a process of its own; the two programs take turns, and the faster round of each counts. CPU time
(both cores together) is shown too, because it hardly feels what else the machine does. PyTorch's
idle threads are told to sleep, so that their waiting is not counted.
"""

import argparse
import importlib.util
import json
import os
import time

import numpy as np

from tests.benchmarks.common import ROOT, in_fresh_process, peak_mb, report, sgemm_gflops
from tests.golden_files import golden_dir
from tests.golden_weights import det

MODULE = "tests.benchmarks.bench_midas_network"
SIZE = 384
# A last bias of 10 keeps the last ReLU open: with the golden weights it would close (see goldens).
LAST_BIAS = "scratch.output_conv.4.bias"


def weights():
    """{name in PyTorch: array} of the goldens' deterministic weights."""
    keys = json.loads((golden_dir("midas") / "keys.json").read_text())["midas_v21"]
    found = {
        name: det(name, shape, kind)
        for name, shape, _, kind in keys
        if kind != "num_batches_tracked"
    }
    found[LAST_BIAS][:] = 10
    return found


def arrays():
    """Image and target of the benchmark."""
    rng = np.random.default_rng(0)
    image = rng.standard_normal((1, 3, SIZE, SIZE)).astype(np.float32)
    return image, rng.random((1, SIZE, SIZE), np.float32)


def mindspore_net(options):
    """MidasNet with the deterministic weights, graph mode."""
    import mindspore as ms

    from midas.src.model_utils.cpu_forms import use_plain_forms
    from midas.src.networks import MidasNet
    from midas.src.weights import from_torch_name

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    net = MidasNet(grouped_conv=options.grouped_conv)
    if options.plain:
        use_plain_forms(net)
    parameters = {parameter.name: parameter for parameter in net.get_parameters()}
    for name, value in weights().items():
        parameters[from_torch_name(name)].set_data(ms.Tensor(value))
    return net


def mindspore_inference(options):
    """One image."""
    import mindspore as ms

    net = mindspore_net(options).set_train(False)
    image = ms.Tensor(arrays()[0])
    return timed(lambda: net(image).asnumpy(), options.repeats)


def mindspore_train(options):
    """One step as train.py compiles it."""
    import mindspore as ms
    from mindspore import nn

    from midas.src.model_utils.device import Device
    from midas.src.model_utils.step import TrainStep

    net = mindspore_net(options).set_train()
    optimizer = nn.Adam(net.trainable_params(), learning_rate=1e-6)

    def forward(image, target):
        return {"loss": ((net(image) - target) ** 2).mean()}

    step = TrainStep(forward, {"midas": net}, optimizer, Device("CPU"))
    batch = tuple(ms.Tensor(array) for array in arrays())

    def call():
        step(batch)
        return step.look().values["loss"]

    return timed(call, options.repeats)


def torch_net():
    """The PyTorch network with the same weights."""
    import torch

    from tests.benchmarks.torch_midas import MidasNet

    net = MidasNet()
    values = {name: torch.from_numpy(value) for name, value in weights().items()}
    missing, unexpected = net.load_state_dict(values, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return net


def torch_inference(options):
    """One image."""
    import torch

    net, image = torch_net().eval(), torch.from_numpy(arrays()[0])

    def call():
        with torch.inference_mode():
            return net(image).numpy()

    return timed(call, options.repeats)


def torch_train(options):
    """One step with Adam."""
    import torch

    net = torch_net().train()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-6)
    image, target = (torch.from_numpy(array) for array in arrays())

    def call():
        optimizer.zero_grad()
        loss = ((net(image) - target) ** 2).mean()
        loss.backward()
        optimizer.step()
        return loss.detach().numpy()

    return timed(call, options.repeats)


def timed(call, repeats):
    """First call, fastest of the rest by wall and CPU time, peak memory, and what it returned."""
    began = time.perf_counter()
    value = float(np.mean(call()))
    first = time.perf_counter() - began
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    fastest = {"s": min(walls), "cpu_s": min(cpus)}
    return {**fastest, "compile_s": first - min(walls), "peak_mb": peak_mb(), "value": value}


CASES = {
    "mindspore inference": mindspore_inference,
    "mindspore train": mindspore_train,
    "pytorch inference": torch_inference,
    "pytorch train": torch_train,
}


def best(rounds):
    """The fastest wall and CPU time of several measurements; memory and value of the last."""
    fastest = {key: min(each[key] for each in rounds) for key in ("s", "cpu_s", "compile_s")}
    return {**rounds[-1], **fastest}


def measure(what, args, with_torch):
    """A row of the table."""
    ours, theirs = [], []
    for _ in range(args.rounds):
        options = {key: getattr(args, key) for key in ("repeats", "grouped_conv", "plain")}
        ours.append(checked(in_fresh_process(MODULE, f"mindspore {what}", **options)))
        if with_torch:
            case, isa = f"pytorch {what}", args.torch_isa
            theirs.append(checked(in_fresh_process(MODULE, case, torch_isa=isa, **options)))
    ours = best(ours)
    theirs = best(theirs) if theirs else {}
    pairs = [value for key in ("s", "cpu_s") for value in pair(ours, theirs, key)]
    row = [what, *pairs, ours["compile_s"], ours["peak_mb"], theirs.get("peak_mb")]
    return [*row, ours["value"], theirs.get("value")]


def pair(ours, theirs, key):
    """Ours, PyTorch's and the ratio."""
    return [ours[key], theirs.get(key), ours[key] / theirs[key] if theirs else None]


def checked(result):
    """The measurement, or the end of the program with the child's last line."""
    if "error" in result:
        raise SystemExit(result["error"])
    return result


def main():
    """Measure one case (in the child) or all of them (the program)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "midas_network.json")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--grouped_conv", default="auto")
    parser.add_argument("--plain", type=int, default=0, help="1: without the forms for CPU")
    parser.add_argument("--torch_isa", default="AVX2", help="see bench_monodepth2; ALL for none")
    parser.add_argument("--case", choices=CASES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case:
        print(json.dumps(CASES[args.case](args)))
        return
    os.environ.update(OMP_WAIT_POLICY="passive", GOMP_SPINCOUNT="0")
    print(f"sgemm {sgemm_gflops():.0f} GFLOP/s")
    with_torch = importlib.util.find_spec("torch") is not None
    columns = "what s torch_s ratio cpu_s torch_cpu_s cpu_ratio compile_s peak_mb torch_mb"
    rows = [measure(what, args, with_torch) for what in ("inference", "train")]
    report(
        f"MidasNet, {SIZE}x{SIZE}, batch 1, CPU",
        [*columns.split(), "value", "torch_value"],
        rows,
        args.json,
    )


if __name__ == "__main__":
    main()
