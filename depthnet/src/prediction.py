"""Depth in metres for pictures of any size, from checkpoints or exported graphs."""

from pathlib import Path

import cv2
import mindspore as ms
import numpy as np

from . import transforms
from .model_utils.checkpoint import load_parameters
from .model_utils.config import InputError
from .model_utils.device import setup
from .model_utils.graph import load_graph
from .model_utils.media import predict_all
from .network import CoarseNet, FineNet


class Predictor:
    """Image -> depth map of the image's size.

    Args:
        weights: one or two paths: CoarseNet, or CoarseNet and FineNet, as .ckpt or .mindir; or
            the .mindir of both stages.
        cropped: predict what NYU's border crop leaves, and repeat the edge outwards.
    Raises:
        InputError: missing, broken or unfitting files.
    """

    def __init__(self, weights, cropped=True):
        self.cropped = cropped
        got = " ".join(map(str, weights))
        expected = "expected coarse, coarse and fine, or the graph of both"
        if len(weights) > 2:
            raise InputError(f"model_weights {got}: {expected}")
        loaded = [_load(path, make) for path, make in zip(weights, (CoarseNet, FineNet))]
        self.kinds = [kind for _, kind in loaded]
        if self.kinds not in (["coarse"], ["coarse", "fine"], ["both"]):
            raise InputError(f"model_weights {got} are {self.kinds}: {expected}")
        self.nets = [net for net, _ in loaded]

    def __call__(self, rgb):
        """(H, W, 3) uint8 RGB -> (H, W) float32, metres."""
        height, width = rgb.shape[:2]
        box = transforms.crop_box(height, width) if self.cropped else (0, 0, height, width)
        top, left, rows, columns = box
        part = rgb[top : top + rows, left : left + columns]
        array = transforms.image_input(part.astype(np.float32) * np.float32(1 / 255))
        depth = cv2.resize(self._depth(array[None]), (columns, rows))
        sides = (top, height - top - rows, left, width - left - columns)
        return cv2.copyMakeBorder(depth, *sides, cv2.BORDER_REPLICATE)

    def _depth(self, array):
        rgb = ms.Tensor(array)
        result = self.nets[0](rgb)
        if len(self.nets) == 2:
            result = self.nets[1](rgb, result)
        values = result.asnumpy()[0, 0]
        return values.copy() if self.kinds == ["both"] else np.exp(values)


def _load(path, make):
    """(network, its kind: coarse, fine or both)."""
    if Path(path).suffix == ".mindir":
        net, sidecar = load_graph(path)
        return net, sidecar.get("graph")
    net = make()
    load_parameters(net, path)
    return net.set_train(False), "coarse" if make is CoarseNet else "fine"


def infer(config):
    """Predict every input of the configuration (input_path, output_path, formats ...)."""
    setup(config)
    predictor = Predictor(config.model_weights, config.infer_crop)
    predict_all(config, predictor, "depth")
