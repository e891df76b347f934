"""What the mechanism of a training step costs beside a bare one.

    python -m tests.benchmarks.bench_step [--size 384] [--pairs 10] [--json FILE]

The bare step is forward, gradients and Adam. Ours also averages its terms, remembers the first step
whose loss is not finite, keeps BatchNorm's moving statistics, and lets the host look. Both train
MidasNet in one process and take turns step by step; what counts is the median of the pairs' ratios.
"""

import argparse
import statistics
import time

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from midas.src.losses import make_loss
from midas.src.model_utils.device import Device, setup
from midas.src.model_utils.step import TrainStep
from midas.src.networks import MidasNet
from tests.benchmarks.common import ROOT, report


def forward_of(network):
    """MiDaS's training loss, as in midas/train.py."""
    loss = make_loss("ssi")

    def forward(img, mask, depth):
        prediction = network(img)
        finite = ops.isfinite(prediction).all()
        return {"loss": loss(prediction, mask, depth), "finite": finite}

    return forward


def bare_step(network):
    """Forward, gradients, update; waits for the end as ours does, on what changes last."""
    forward, optimizer = forward_of(network), nn.Adam(network.trainable_params(), 1e-6)
    count = Parameter(Tensor(0, ms.int32), name="steps", requires_grad=False)
    one = Tensor(1, ms.int32)

    def loss_of(*batch):
        return forward(*batch)["loss"]

    gradients_of = ms.value_and_grad(loss_of, None, optimizer.parameters)

    @ms.jit
    def step(*batch):
        loss, gradients = gradients_of(*batch)
        done = optimizer(gradients)
        return loss, ops.depend(ops.assign_add(count, one), done)

    def call(batch):
        loss, ended = step(*batch)
        ended.asnumpy()
        return float(loss.asnumpy())

    return call


def our_step(network):
    """The step of train.py, with a look at its outcome every time."""
    optimizer = nn.Adam(network.trainable_params(), 1e-6)
    step = TrainStep(forward_of(network), {"midas": network}, optimizer, Device("CPU"))

    def call(batch):
        step(batch)
        return step.look().values["loss"]

    return call


def new_network(seed):
    """MidasNet in training, the same values for a seed."""
    ms.set_seed(seed)
    return MidasNet().set_train()


def main():
    """Time pairs of steps and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / "step.json")
    options = parser.parse_args()
    setup("CPU", seed=0)
    rng, shape = np.random.default_rng(0), (1, options.size, options.size)
    image = rng.standard_normal((1, 3, *shape[1:])).astype(np.float32)
    batch = [Tensor(a) for a in (image, np.ones(shape, np.float32), rng.random(shape, np.float32))]
    steps = {"bare": bare_step(new_network(1)), "ours": our_step(new_network(1))}
    losses = {name: step(batch) for name, step in steps.items()}
    times = {name: [] for name in steps}
    for number in range(options.pairs):
        # Who comes first changes, so that neither always follows the other.
        for name in sorted(steps, reverse=number % 2 == 1):
            began = time.perf_counter()
            losses[name] = steps[name](batch)
            times[name].append(time.perf_counter() - began)
    ratios = [ours / bare for ours, bare in zip(times["ours"], times["bare"])]
    rows = [[name, statistics.median(values), losses[name]] for name, values in times.items()]
    rows.append(["ours / bare, median of the pairs", statistics.median(ratios), None])
    rows.append(["their quartiles", *np.percentile(ratios, (25, 75)).tolist()])
    title = f"MidasNet, one image of {options.size}x{options.size}: a training step, s"
    report(title, ["", "s or ratio", "loss"], rows, options.json)


if __name__ == "__main__":
    main()
