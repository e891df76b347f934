"""Write data/<graph>.mindir and .json of the graphs of several images.

Usage (MindSpore 2.0.0, in the repository's root): python -m tests.ascend310_infer.make_video_models
"""

import json
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from tests.ascend310_infer import tiny_video

DATA = Path(__file__).parent / "data"
HEIGHT, WIDTH = tiny_video.SIZE


class Conv(nn.Cell):
    """The convolution of a graph over all its frames."""

    def __init__(self, name):
        super().__init__()
        kernel, bias = tiny_video.weights(name)
        given = {"weight_init": ms.Tensor(kernel), "bias_init": ms.Tensor(bias)}
        options = {"pad_mode": "pad", "padding": 1, "has_bias": True}
        self.conv = nn.Conv2d(kernel.shape[1], kernel.shape[0], 3, **options, **given)


class Motion(Conv):
    """tiny_video.motion."""

    def construct(self, before, image, after):
        return ops.Sigmoid()(self.conv(ops.concat((before, image, after), 1)))


class Steps(Conv):
    """tiny_video.steps."""

    def construct(self, before, image, after):
        values = self.conv(ops.concat((before, image, after), 1))
        return 0.1 * values.mean((2, 3)).reshape(-1, 2, 6)


class Flow(Conv):
    """tiny_video.flow."""

    def construct(self, after, image):
        return tiny_video.FLOW_SCALE * self.conv(ops.concat((after, image), 1))


class Warp(nn.Cell):
    """tiny_video.warp: rigid flow, and the next frame read where it ends."""

    def __init__(self):
        super().__init__()
        y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
        self.x, self.y = ms.Tensor(x[None, None]), ms.Tensor(y[None, None])
        self.floor, self.gather, self.cast = ops.Floor(), ops.Gather(), ops.Cast()
        self.least, self.most = ops.Minimum(), ops.Maximum()

    def construct(self, image, after, disparity, steps, K, K_inverse):
        step = steps[:, 1:2, :]
        across, down, ahead = (self._number(step, 0), self._number(step, 1), self._number(step, 2))
        ray_x = self._number(K_inverse, 0) * self.x + self._number(K_inverse, 2)
        ray_y = self._number(K_inverse, 4) * self.y + self._number(K_inverse, 5)
        u = self._number(K, 0) * disparity * (across - ray_x * ahead)
        v = self._number(K, 4) * disparity * (down - ray_y * ahead)
        warped = self._sample(after, self.x + u, self.y + v)
        return ops.concat((u, v), 1), warped + 0 * image

    def _number(self, tensor, place):
        """One number of a small tensor, (1, 1, 1, 1)."""
        return tensor.reshape(1, -1)[:, place : place + 1].reshape(1, 1, 1, 1)

    def _cell(self, at, size):
        at = self.least(self.most(at, ms.Tensor(0.0)), ms.Tensor(size - 1.0))
        first = self.least(self.floor(at), ms.Tensor(size - 2.0))
        return first, at - first

    def _sample(self, image, x, y):
        left, fx = self._cell(x, WIDTH)
        top, fy = self._cell(y, HEIGHT)
        rows = image.reshape(3, -1).transpose(1, 0)
        place = self.cast(top * WIDTH + left, ms.int32).reshape(-1)
        corners = [self._read(rows, place + step) for step in (0, 1, WIDTH, WIDTH + 1)]
        upper = corners[0] * (1 - fx) + corners[1] * fx
        lower = corners[2] * (1 - fx) + corners[3] * fx
        return upper * (1 - fy) + lower * fy

    def _read(self, rows, place):
        return self.gather(rows, place, 0).transpose(1, 0).reshape(1, 3, HEIGHT, WIDTH)


def _example(shape):
    if -1 in shape:
        return ms.Tensor(shape=[None if n < 0 else n for n in shape], dtype=ms.float32)
    return ms.Tensor(np.zeros(shape, np.float32))


def main():
    ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
    nets = {"motion": Motion("motion"), "steps": Steps("steps"), "warp": Warp()}
    nets["flow"] = Flow("flow")
    for name, sidecar in tiny_video.sidecars().items():
        (DATA / f"{name}.json").write_text(json.dumps(sidecar, indent=1) + "\n")
        path = DATA / f"{name}.mindir"
        path.unlink(missing_ok=True)
        examples = [_example(entry["shape"]) for entry in sidecar["inputs"]]
        ms.export(nets[name].set_train(False), *examples, file_name=str(path), file_format="MINDIR")
        path.chmod(0o644)


if __name__ == "__main__":
    main()
