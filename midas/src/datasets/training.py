"""Training pairs: an image and its relative inverse depth, from ReDWeb or several such datasets.

A sample is {"img": (3, h, w) float32 RGB normalised, "mask": (h, w) float32 0 or 1, "depth": (h, w)
float32 relative inverse depth in 0..255}.
"""

from pathlib import Path

import cv2
import numpy as np

from ..model_utils.errors import InputError
from ..model_utils.images import read_any, read_rgb
from ..transforms import flip, prepare_image, resize_nearest
from .pairs import check_pairs, pairs_from_list, pairs_from_mixdata


def read_target(path):
    """Relative inverse depth of one PNG as (H, W) float32 in 0..255, its first channel.

    16-bit files are brought to the same range, so that mixed datasets weigh alike in the loss.
    """
    values = read_any(path)
    if values.ndim == 3:
        values = values[..., 0]
    return np.float32(values) / 257 if values.dtype == np.uint16 else np.float32(values)


class MixedPairs:
    """Training samples of one or several datasets, each sampled equally often.

    From here on, OpenCV stays on the thread that calls it.

    An epoch shows every pair of the largest dataset once and repeats the smaller ones until all
    have given the same number of samples (Ranftl et al. 2020, section 5: equal parts). Index i is
    sample i // D of dataset i % D, D the number of datasets.

    Args:
        datasets: {name: [(image path, depth path)]}, none empty.
        size: (width, height) of what `load` returns.
        mean, std: three numbers each, for image values in 0..1.
        mask_invalid: pixels with inverse depth 0 are not valid; False takes all as valid, as the
            original does.
        flip_probability: share of samples that are mirrored.
    """

    def __init__(self, datasets, *, size, mean, std, mask_invalid, flip_probability):
        self.size, self.mean, self.std = size, mean, std
        self.mask_invalid, self.flip_probability = mask_invalid, flip_probability
        cv2.setNumThreads(1)  # the loaders are parallel: further threads would compete with them
        self.datasets = list(datasets)
        # One array of fixed-length text: forked workers would copy pages of many small objects.
        pairs = [[tuple(map(str, pair)) for pair in datasets[name]] for name in self.datasets]
        self.pairs = [np.array(rows) for rows in pairs]
        self.each = max(map(len, self.pairs))

    def __len__(self):
        return self.each * len(self.pairs)

    def _pair(self, index):
        share, dataset = divmod(index, len(self.pairs))
        rows = self.pairs[dataset]
        return rows[share % len(rows)]

    def name(self, index):
        """Path of the image of a sample."""
        return str(self._pair(index)[0])

    def load(self, index, rng):
        """One sample; `rng` decides whether it is mirrored.

        Raises:
            InputError: a file is broken or the two differ in size; it names them.
        """
        image_path, depth_path = self._pair(index)
        image, depth = read_rgb(image_path), read_target(depth_path)
        if image.shape[:2] != depth.shape:
            raise InputError(
                f"{image_path} {image.shape[:2]} and {depth_path} {depth.shape} differ"
            )
        depth = resize_nearest(depth, self.size)
        mask = depth > 0 if self.mask_invalid else np.ones_like(depth)
        sample = prepare_image(image, self.size, self.mean, self.std), np.float32(mask), depth
        if rng.random() < self.flip_probability:
            sample = flip(*sample)
        return dict(zip(("img", "mask", "depth"), sample))


def training_pairs(root, *, mixdata, train_list="", skip_bad=False):
    """The checked pairs that mixdata.json, or a list in its place, names.

    Args:
        root: folder of the datasets and of both files.
        mixdata, train_list: their names; an empty train_list takes mixdata.
        skip_bad: leave out bad pairs instead of refusing the datasets.
    Returns:
        {dataset: [(image path, depth path)]}.
    Raises:
        InputError: missing or bad files.
    """
    root = Path(root)
    source = root / (train_list or mixdata)
    if train_list:
        datasets = {"train_list": pairs_from_list(source, root)}
    else:
        datasets = pairs_from_mixdata(source, root)
    datasets = check_pairs(datasets, skip_bad, source)
    counts = ", ".join(f"{name} {len(pairs)}" for name, pairs in datasets.items())
    print(f"training pairs: {counts}", flush=True)
    return datasets
