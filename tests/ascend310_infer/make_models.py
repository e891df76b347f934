"""Write data/<graph>.mindir and data/<graph>.json. Usage (MindSpore 2.0.0): python make_models.py

Under another MindSpore only data/newer.mindir is written: the file that Lite 2.0.0 must refuse.
"""

import json
from pathlib import Path

import mindspore as ms
import numpy as np
import tiny
from mindspore import nn, ops

DATA = Path(__file__).parent / "data"


def _conv(kernel, bias, stride=1):
    outputs, inputs = kernel.shape[:2]
    return nn.Conv2d(
        inputs,
        outputs,
        3,
        stride,
        pad_mode="pad",
        padding=1,
        has_bias=True,
        weight_init=ms.Tensor(kernel),
        bias_init=ms.Tensor(bias),
    )


class Graph(nn.Cell):
    """The network that tiny.forward computes."""

    def __init__(self, name):
        super().__init__()
        layers = tiny.weights(name)
        self.stem = _conv(*layers["stem"], stride=2)
        self.head = _conv(*layers["head"])
        self.second = _conv(*layers["second"])
        self.two_outputs = name == "tiny"
        self.relu = nn.ReLU()
        self.sigmoid = nn.Sigmoid()

    def construct(self, image):
        x = self.relu(self.stem(image))
        if self.two_outputs:
            return self.sigmoid(self.head(x)), self.sigmoid(self.second(x))
        return self.head(x)


class Fine(Graph):
    """The graph that takes the coarse map as its eighth channel."""

    def construct(self, image, coarse):
        return self.head(ops.concat((self.relu(self.stem(image)), coarse), 1))


def _example(shape):
    if -1 in shape:
        return ms.Tensor(shape=[None if n < 0 else n for n in shape], dtype=ms.float32)
    return ms.Tensor(np.zeros(shape, np.float32))


def _export(name, file_name, inputs):
    net = Fine(name) if name == "pair_fine" else Graph(name)
    net.set_train(False)
    path = DATA / f"{file_name}.mindir"
    path.unlink(missing_ok=True)
    examples = [_example(entry["shape"]) for entry in inputs]
    ms.export(net, *examples, file_name=str(path), file_format="MINDIR")
    path.chmod(0o644)


def main():
    ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
    DATA.mkdir(exist_ok=True)
    if not ms.__version__.startswith("2.0."):
        _export("pair_coarse", "newer", tiny.sidecars()["pair_coarse"]["inputs"])
        return
    for name, sidecar in tiny.sidecars().items():
        (DATA / f"{name}.json").write_text(json.dumps(sidecar, indent=1) + "\n")
        _export(name, name, sidecar["inputs"])


if __name__ == "__main__":
    main()
