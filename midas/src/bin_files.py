"""The 310 path: evaluation pictures to .bin files, result .bin files to the metric.

File names and folders are the zoo's (research/cv/midas/postprocess.py and its 310 program).
"""

import json
from pathlib import Path

import cv2
import numpy as np

from .eval_data import DATASETS, PROTOCOLS
from .evaluation import mean_of, score_sample
from .metric import METRICS
from .model_utils.config import InputError
from .model_utils.images import write_bytes
from .transforms import prepare_image

# The original's postprocess.py wants Sintel in Sintel/, its config.yaml in sintel/sintel-data/.
_FOLDERS = {
    "Kitti": ["Kitti_raw_data"],
    "Sintel": ["Sintel", "sintel/sintel-data"],
    "TUM": ["TUM"],
}


def _open(config):
    places = [Path(config.dataset_path, name) for name in _FOLDERS[config.dataset_name]]
    root = next((place for place in places if place.is_dir()), None)
    if root is None:
        raise InputError(f"{config.dataset_name}: {places[0]} is not there; check --dataset_path")
    return DATASETS[config.dataset_name](root, PROTOCOLS[config.eval_protocol])


def _stem(dataset, index):
    """<sequence>/<frame> for Kitti and Sintel, TUM/<stamp> for TUM, as the 310 program writes."""
    parts = Path(dataset.name(index)).parts
    folder = {"Kitti": parts[0], "Sintel": parts[1], "TUM": "TUM"}[dataset.title]
    return Path(folder) / Path(parts[-1]).stem


def preprocess(config):
    """Write <bin_path>/<dataset_name>/<sequence>/<frame>.bin for every picture.

    A file is 1 x 3 x img_height x img_width float32, resized (cubic, aspect not kept) and
    normalised as in training.

    Raises:
        InputError: bad dataset.
    """
    dataset = _open(config)
    folder = Path(config.bin_path) / config.dataset_name
    for index in range(len(dataset)):
        size = config.img_width, config.img_height
        image = dataset.load(index).image
        array = prepare_image(image, size, config.nm_img_mean, config.nm_img_std)
        stem = _stem(dataset, index)
        write_bytes(folder / stem.parent / f"{stem.name}.bin", array.tobytes())
    print(f"wrote {len(dataset)} pictures to {folder}")


def postprocess(config):
    """Score the results <frame>_0.bin in <result_path>/<dataset_name>/<sequence>/.

    A file is img_height x img_width float32 inverse depth, which is resized to its ground truth
    with half-pixel centres. Prints the mean and writes it to result_file. eval_protocol modelzoo
    also takes Sintel's pixels up to 80 m and TUM's depth with 8 bits, as the original does.

    Raises:
        InputError: bad dataset, or a result that is missing or of the wrong size.
    """
    dataset = _open(config)
    if config.dataset_name == "Sintel" and config.eval_protocol == "modelzoo":
        dataset.mask_cap = 80
    scores = []
    for index in range(len(dataset)):
        raw = _read_result(config, _stem(dataset, index))
        sample = dataset.load(index)
        prediction = cv2.resize(raw, sample.depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        scores.append((dataset.name(index), score_sample(dataset, sample, prediction)))
    value, left_out = mean_of(dataset, scores, dataset.protocol)
    for name in left_out:
        print(f"left out, no valid pixel: {name}")
    label, form = METRICS[dataset.metric]
    print(f"{config.dataset_name} {label}: {value:{form}}  ({len(scores)} images)")
    write_bytes(config.result_file, json.dumps({config.dataset_name: value}).encode())
    print(f"wrote {config.result_file}")


def _read_result(config, stem):
    """(img_height, img_width) float32 of one picture, with or without the dataset's folder."""
    name = stem.parent / f"{stem.name}_0.bin"
    below = Path(config.result_path)
    places = [below / config.dataset_name / name, below / name]
    if config.dataset_name == "TUM":
        places += [below / "TUM" / name.name, below / name.name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise InputError(f"{places[0]} does not exist; run the 310 program, check --result_path")
    values = np.fromfile(path, np.float32)
    if values.size != config.img_height * config.img_width:
        expected = f"{config.img_height}x{config.img_width} float32"
        raise InputError(f"{path} has {path.stat().st_size} bytes, expected {expected}")
    if not np.isfinite(values).all():
        raise InputError(f"{path} holds values that are not finite; run the 310 program again")
    return values.reshape(config.img_height, config.img_width)
