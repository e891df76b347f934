"""One evaluation image, and what a dataset of them is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.images import read_rgb


@dataclass(frozen=True)
class Order:
    """DIW's annotation of an image.

    Attributes:
        points: (yA, xA, yB, xB), 0-based.
        relation: "<" or ">".
        size: (width, height) that the points refer to.
    """

    points: tuple
    relation: str
    size: tuple


@dataclass
class Sample:
    """One evaluation image.

    Attributes:
        image: (H, W, 3) uint8 in the order that the network is fed with.
        depth: (H, W) float32 metres, None for DIW; `mask`: (H, W) bool, pixels that count.
        order: Order, of DIW only.
    """

    image: np.ndarray
    depth: Optional[np.ndarray] = None
    mask: Optional[np.ndarray] = None
    order: Optional[Order] = None


class EvaluationSet:
    """What the datasets share; a subclass lists its images and loads one.

    Attributes:
        title: name of the dataset.
        layout: which files are expected, for errors.
        metric: delta, abs_rel or whdr (see metrics.METRICS).
        cap: largest depth in metres, of the metric and, unless mask_cap is set, of the mask.
        mask_cap: largest depth in metres of a valid pixel, None: cap.
        resize_method: how an image's size at the network is bounded (see network_size).
        resize_target: depth and mask are brought to the network's size before they are compared.
        bgr_by_mistake: the original feeds the images as BGR.
        items: per image, its path and what belongs to it.

    Args:
        root: folder of the dataset.
        protocol: Protocol.
    Raises:
        InputError: no image is there, or a file that belongs to one is missing.
    """

    title, metric, cap, resize_method, resize_target = "", "delta", 10, "upper_bound", False
    bgr_by_mistake, mask_cap = False, None

    def __init__(self, root, protocol):
        self.root, self.protocol = Path(root), protocol
        self.items = self._list()
        if not self.items:
            raise InputError(f"{self.root}: no {self.title} images there; {self.layout}")

    def __len__(self):
        return len(self.items)

    def name(self, index):
        """Path of an image below the dataset's folder."""
        return self.items[index][0].relative_to(self.root).as_posix()

    def _image(self, path):
        image = read_rgb(path)
        swapped = self.bgr_by_mistake and not self.protocol.rgb
        return np.ascontiguousarray(image[..., ::-1]) if swapped else image

    def _sample(self, image, depth, names, extra=True):
        if image.shape[:2] != depth.shape:
            sizes = f"{image.shape[1]}x{image.shape[0]} and {depth.shape[1]}x{depth.shape[0]}"
            raise InputError(f"{' and '.join(map(str, names))} differ in size: {sizes}")
        return self._masked(image, depth, extra)

    def _masked(self, image, depth, extra=True):
        # Before the cast to float32, as in the original: 9.99999999 m counts below a cap of 10.
        mask = (depth > 0) & (depth < (self.mask_cap or self.cap)) & extra
        return Sample(image, np.float32(depth), mask)

    def _beside(self, image, *others):
        """(image, others ...) after a check that the others exist."""
        for path in others:
            if not path.is_file():
                raise InputError(f"{path}: missing, it belongs to {image}; {self.layout}")
        return (image, *others)
