"""Training pairs: an image and its relative inverse depth, from ReDWeb or several such datasets."""

from pathlib import Path

import cv2
import numpy as np

from .model_utils.config import InputError
from .model_utils.images import read_rgb
from .pairs import check_pairs, pairs_from_list, pairs_from_mixdata
from .transforms import flip, network_size, prepare_image, resize_nearest

COLUMNS = ["img", "mask", "depth"]


def read_target(path):
    """Relative inverse depth of one PNG as (H, W) float32 in 0..255, its first channel.

    16-bit files are brought to the same range, so that mixed datasets weigh alike in the loss.
    """
    data = np.fromfile(path, np.uint8) if Path(path).is_file() else np.empty(0, np.uint8)
    values = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if values is None:
        raise InputError(f"{path}: missing, truncated, or not an image that OpenCV can read")
    if values.ndim == 3:
        values = values[..., 0]
    return np.float32(values) / 257 if values.dtype == np.uint16 else np.float32(values)


class MixedPairs:
    """Training samples of one or several datasets, each sampled equally often.

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

    def __init__(self, datasets, size, mean, std, mask_invalid, flip_probability):
        self.size, self.mean, self.std = size, mean, std
        self.mask_invalid, self.flip_probability = mask_invalid, flip_probability
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
        """Path of the image behind an index."""
        return str(self._pair(index)[0])

    def load(self, index, rng):
        """One sample for the network.

        Args:
            index: 0..len - 1.
            rng: numpy Generator that decides about mirroring.
        Returns:
            image (3, h, w) float32 normalised, mask (h, w) float32 0 or 1, inverse depth (h, w)
            float32 in 0..255.
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
        return flip(*sample) if rng.random() < self.flip_probability else sample


def training_data(config, root=None):
    """Build the training samples that a configuration asks for.

    Args:
        config: namespace with train_data_dir, mixdata, train_list, skip_bad_samples, img_width,
            img_height, keep_aspect_ratio, ensure_multiple_of, resize_method, nm_img_mean,
            nm_img_std, mask_invalid and flip_probability.
        root: folder of the datasets in place of train_data_dir (a local copy).
    Returns:
        MixedPairs.
    Raises:
        InputError: missing or bad files, or sizes that cannot be batched.
    """
    if config.keep_aspect_ratio:
        raise InputError("keep_aspect_ratio: training batches need False, images of one size")
    root = Path(root or config.train_data_dir)
    if config.train_list:
        datasets = {"train_list": pairs_from_list(root / config.train_list, root)}
    else:
        datasets = pairs_from_mixdata(root / config.mixdata, root)
    datasets = check_pairs(datasets, config.skip_bad_samples)
    aim = (config.img_width, config.img_height)
    size = network_size(*aim, aim, config.resize_method, False, config.ensure_multiple_of)
    counts = ", ".join(f"{name} {len(pairs)}" for name, pairs in datasets.items())
    print(f"training pairs: {counts}; {size[0]}x{size[1]} pixels", flush=True)
    options = (config.mask_invalid, config.flip_probability)
    return MixedPairs(datasets, size, config.nm_img_mean, config.nm_img_std, *options)
