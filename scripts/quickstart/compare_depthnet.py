"""DepthNet beside the mean depth map and the best constant.

    python -m scripts.quickstart.compare_depthnet DATA METRICS_JSON

Both are those of the training set; the constant minimises the training loss. Exit 1 unless the
fine stage's abs rel is at least 25 % below the constant's.
"""

import json
import sys
from pathlib import Path

import mindspore as ms
import numpy as np
from scipy.optimize import minimize_scalar

from depthnet.src import metrics
from depthnet.src.datasets import NyuTest, NyuTrain
from depthnet.src.evaluation.page import MEAN_MAP, rivals
from depthnet.src.losses import DepthLoss
from depthnet.src.transforms import MAX_DEPTH, MIN_DEPTH

from .comparison import print_table, verdict


def best_constant(targets):
    """ln metres: the constant log-depth of least training loss over targets (N, 1, h, w)."""
    loss, targets = DepthLoss(), ms.Tensor(targets)

    def cost(value):
        return float(loss(ms.ops.full_like(targets, float(value)), targets).asnumpy())

    limits = tuple(np.log((MIN_DEPTH, MAX_DEPTH)))
    return float(minimize_scalar(cost, bounds=limits, method="bounded").x)


def main(root, metrics_json):
    """Print the table, return the exit status."""
    data = NyuTrain(root, augment=False)
    known = np.stack([data.load(index, None)["depth"] for index in range(len(data))])
    constant = best_constant(known)
    test = NyuTest(Path(root) / "Test")
    targets = [test.load(index)["depth"] for index in range(len(test))]
    guesses = {"constant": np.full(known.shape[2:], constant), MEAN_MAP: rivals(known)[MEAN_MAP]}
    columns = {
        name: metrics.average([metrics.image_metrics(guess, target) for target in targets])
        for name, guess in guesses.items()
    }
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
