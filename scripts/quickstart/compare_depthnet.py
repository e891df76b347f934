"""DepthNet beside the best constant.

    python -m scripts.quickstart.compare_depthnet DATA METRICS_JSON

The constant minimises the training loss on the training set. Exit 1 unless the fine stage's
abs rel is at least 25 % below the constant's.
"""

import json
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
from scipy.optimize import minimize_scalar

from depthnet.src import metrics
from depthnet.src.datasets import NyuTest, NyuTrain
from depthnet.src.losses import DepthLoss
from depthnet.src.transforms import MAX_DEPTH, MIN_DEPTH

from .comparison import print_table, verdict


def best_constant(data):
    """ln metres: the constant log-depth of least training loss over a NyuTrain dataset."""
    loss = DepthLoss()
    targets = [data.load(index, None)["depth"] for index in range(len(data))]
    targets = ms.Tensor(np.stack(targets))

    def cost(value):
        return float(loss(ms.ops.full_like(targets, float(value)), targets).asnumpy())

    limits = tuple(np.log((MIN_DEPTH, MAX_DEPTH)))
    return float(minimize_scalar(cost, bounds=limits, method="bounded").x)


def main(root, metrics_json):
    """Print the table, return the exit status."""
    constant = best_constant(NyuTrain(root, augment=False))
    test = NyuTest(Path(root) / "Test")
    targets = [test.load(index)["depth"] for index in range(len(test))]
    rows = [metrics.image_metrics(np.full(t.shape, constant), t) for t in targets]
    columns = {"constant": metrics.average(rows)}
    columns.update(json.loads(Path(metrics_json).read_text())["average"])
    print_table(metrics.NAMES, columns)
    errors = {name: values["abs_relative_loss"] for name, values in columns.items()}
    print(f"{len(test)} held-out rooms; constant = {np.exp(constant):.2f} m; ", end="")
    return verdict("the network's abs rel", 1 - errors["fine"] / errors["constant"])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(*sys.argv[1:]))
