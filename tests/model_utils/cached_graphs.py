"""Cells that run with the graph cache, in a process of their own: MindSpore's is of a process.

    python -m tests.model_utils.cached_graphs FOLDER CASE ...     in a model's folder

Of each case a line on standard error begins what MindSpore logs of it; a line of JSON tells its
result, twice, and whether graph mode ran it.
"""

import json
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn
from src.model_utils.cpu_forms import CpuForm
from src.model_utils.graph_cache import with_graph_cache


class Scale(nn.Cell):
    """A product with a number and a constant."""

    def __init__(self, factor=2.0, constant=1.0):
        super().__init__()
        self.factor, self.constant = factor, ms.Tensor([constant], ms.float32)

    def construct(self, x):
        return x * self.factor + self.constant


class Shift(Scale):
    """A sum instead."""

    def construct(self, x):
        return x + self.factor + self.constant


class Net(CpuForm):
    """An attribute, a constant, a weight, a cell within, and a form for CPU."""

    def __init__(self, inner=None, weight=1.0):
        super().__init__()
        self.inner = inner or Scale()
        self.weight = ms.Parameter(ms.Tensor([weight], ms.float32), name="weight")

    def construct(self, x):
        return self.inner(x) * self.weight


def make(case):
    """(cell, options of with_graph_cache, length of the input) of a case."""
    if case == "version":
        ms.__version__ += "+other"
    cell = Net(
        {
            "attribute": Scale(factor=3.0),
            "constant": Scale(constant=2.0),
            "class": Shift(),
        }.get(case),
        weight=5.0 if case == "weight" else 1.0,
    )
    if case == "precision":
        cell.to_float(ms.float16)
    if case == "unknown":
        cell.thing = object()
    if case == "cpu form":
        cell.cpu_form = False
    return cell.set_train(False), case.startswith("eager"), 4 if case.endswith("shape") else 3


def main():
    folder = Path(sys.argv[1])
    ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
    for case in sys.argv[2:]:
        cell, eager, length = make(case)
        run = with_graph_cache(cell, eager, folder)
        print(f"case {case}", file=sys.stderr, flush=True)
        values = [run(ms.Tensor(np.arange(length), ms.float32)).numpy().tolist() for _ in range(2)]
        is_graph = ms.get_context("mode") == ms.GRAPH_MODE
        print(json.dumps([*values, is_graph]), flush=True)


if __name__ == "__main__":
    main()
