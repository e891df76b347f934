"""Inverse depth for pictures of any size, from a checkpoint or an exported graph."""

from pathlib import Path

import cv2
import mindspore as ms
import numpy as np

from .build import load_network
from .model_utils.config import InputError
from .model_utils.device import setup
from .model_utils.graph import load_graph
from .model_utils.media import predict_all
from .model_utils.step import mixed_precision
from .transforms import network_size, prepare_image


class Predictor:
    """Pictures -> inverse depth maps of the pictures' sizes.

    Args:
        run: (B, 3, h, w) float32 Tensor -> (B, h, w) Tensor.
        size_of: (width, height) of a picture -> (width, height) at the network.
        mean, std: three numbers each, for image values in 0..1.
        batch_size: pictures of one shape that are predicted together.
    """

    def __init__(self, run, size_of, mean, std, batch_size=1):
        self.run, self.size_of, self.mean, self.std = run, size_of, mean, std
        self.batch_size = batch_size

    def __call__(self, rgb):
        """(H, W, 3) uint8 RGB -> (H, W) float32, relative inverse depth."""
        return self.batch([rgb])[0]

    def batch(self, pictures):
        """List of (H, W, 3) uint8 RGB -> list of (H, W) float32; they may differ in size."""
        inputs = [self._input(rgb) for rgb in pictures]
        shapes = {array.shape for array in inputs}
        maps = [None] * len(pictures)
        for shape in shapes:
            places = [i for i, array in enumerate(inputs) if array.shape == shape]
            for start in range(0, len(places), self.batch_size):
                part = places[start : start + self.batch_size]
                # A short batch is filled up: another shape would be another graph.
                filled = part + part[:1] * (self.batch_size - len(part))
                found = self.run(ms.Tensor(np.stack([inputs[i] for i in filled])))
                for place, values in zip(part, found.asnumpy().astype(np.float32)):
                    height, width = pictures[place].shape[:2]
                    maps[place] = cv2.resize(values, (width, height))
        return maps

    def _input(self, rgb):
        return prepare_image(rgb, self.size_of(rgb.shape[1], rgb.shape[0]), self.mean, self.std)


def make_predictor(config, device):
    """Predictor of model_weights (or ckpt_path), a .ckpt or an exported .mindir.

    Args:
        config: namespace with model_weights, ckpt_path, img_width, img_height,
            keep_aspect_ratio, resize_method, ensure_multiple_of, nm_img_mean, nm_img_std,
            infer_batch_size and the network's keys.
        device: Device.
    Raises:
        InputError: missing, broken or unfitting files.
    """
    path = config.model_weights or config.ckpt_path
    if Path(path).suffix == ".mindir":
        return _from_graph(path, config)
    net, _ = mixed_precision(load_network(config, path), config.amp_level, device)
    aim = config.img_width, config.img_height
    rule = config.resize_method, config.keep_aspect_ratio, config.ensure_multiple_of

    def size_of(width, height):
        return network_size(width, height, aim, *rule)

    mean, std = config.nm_img_mean, config.nm_img_std
    return Predictor(net, size_of, mean, std, config.infer_batch_size)


def _from_graph(path, config):
    """The graph's sidecar, not the configuration, says how it is fed."""
    graph, sidecar = load_graph(path)
    try:
        batch, _, height, width = sidecar["inputs"][0]["shape"]
        mean, std = sidecar["image"]["mean"], sidecar["image"]["std"]
    except (KeyError, IndexError, TypeError, ValueError):
        raise InputError(f"{path}: its .json is no sidecar of MiDaS; export it again") from None
    if sidecar.get("model") != "midas":
        raise InputError(f"{path}: a graph of {sidecar.get('model')}, expected midas")
    batch = config.infer_batch_size if batch == -1 else batch
    return Predictor(graph, lambda *_: (width, height), mean, std, batch)


def infer(config):
    """Predict every input of the configuration (input_path, output_path, formats ...)."""
    predict_all(config, make_predictor(config, setup(config)), "inverse_depth")
