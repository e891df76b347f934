"""Depth in metres for images of any size, from checkpoints or exported graphs."""

from pathlib import Path

import cv2
import mindspore as ms
import numpy as np

from . import transforms
from .model_utils.batches import Prepared, batched, filled
from .model_utils.checkpoint import load_networks, must_exist
from .model_utils.context import without_values
from .model_utils.errors import InputError
from .model_utils.graph import load_graph
from .model_utils.graph_cache import with_graph_cache
from .networks import CoarseNet, FineNet

_STAGES = {"coarse": CoarseNet, "fine": FineNet}


class Predictor(Prepared):
    """Images -> depth maps of the images' sizes (see media.Predictor).

    Args:
        weights: one or two paths: CoarseNet, or CoarseNet and FineNet, as .ckpt or .mindir; or
            the .mindir of both stages.
        cropped: predict what NYU's border crop leaves, and repeat the edge outwards.
        batch_size: images that are predicted together; of a .mindir it is one.
        eager: see `with_graph_cache`.
    Raises:
        InputError: missing, broken or unfitting files.
    """

    def __init__(self, weights, cropped=True, batch_size=1, eager=False):
        is_graph = any(Path(path).suffix == ".mindir" for path in weights)
        self.cropped, self.batch_size = cropped, 1 if is_graph else batch_size
        got = " ".join(map(str, weights))
        expected = "expected coarse, coarse and fine, or the graph of both"
        if len(weights) > 2:
            raise InputError(f"model_weights {got}: {expected}")
        must_exist(*(path for path in weights if Path(path).suffix != ".mindir"))
        loaded = [_load(stage, path, eager) for stage, path in zip(_STAGES, weights)]
        self.kinds = [kind for kind, _ in loaded]
        if self.kinds not in (["coarse"], ["coarse", "fine"], ["both"]):
            raise InputError(f"model_weights {got} are {self.kinds}: {expected}")
        self.nets = [net for _, net in loaded]

    def prepare(self, image):
        """(H, W, 3) uint8 RGB -> (what the network sees, (H, W), the part of the image)."""
        height, width = image.shape[:2]
        box = transforms.crop_box(height, width) if self.cropped else (0, 0, height, width)
        top, left, rows, columns = box
        part = image[top : top + rows, left : left + columns]
        seen = transforms.image_input(part.astype(np.float32) * np.float32(1 / 255))
        return seen, (height, width), box

    def predict(self, prepared):
        """List of prepared images -> list of (H, W) float32, metres."""
        maps = []
        for part in batched(prepared, self.batch_size):
            seen, *places = zip(*part)
            maps += map(_enlarged, self._depths(np.stack(seen)), *places)
        return maps

    def _depths(self, seen):
        rgb = ms.Tensor(filled(seen, self.batch_size))
        result = self.nets[0](rgb)
        if len(self.nets) == 2:
            result = self.nets[1](rgb, result)
        values = result.numpy()[: len(seen), 0]
        return values.copy() if self.kinds == ["both"] else np.exp(values)


def _enlarged(depth, size, box):
    """A depth map as large as its part of the image, its edge repeated outwards."""
    (height, width), (top, left, rows, columns) = size, box
    sides = (top, height - top - rows, left, width - left - columns)
    depth = cv2.resize(depth, (columns, rows))
    return cv2.copyMakeBorder(depth, *sides, cv2.BORDER_REPLICATE)


def load_stage(name, path, eager=False):
    """CoarseNet or FineNet as a function, in evaluation mode.

    Args:
        name: coarse or fine.
        path: .ckpt.
        eager: see `with_graph_cache`.
    Raises:
        InputError: a missing or broken file, or one of another network.
    """
    with without_values():
        net = _STAGES[name]()
    load_networks({name: net}, path)
    return with_graph_cache(net, eager)


def _load(name, path, eager):
    """(kind: coarse, fine or both, function)."""
    if Path(path).suffix == ".mindir":
        net, sidecar = load_graph(path)
        return sidecar.get("graph"), net
    return name, load_stage(name, path, eager)
