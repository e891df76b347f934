"""The 310 path: evaluation images to .bin files, result .bin files to the metric.

File names and folders are the zoo's (research/cv/midas/postprocess.py and its 310 program).
"""

from pathlib import Path

import cv2

from .datasets.zero_shot import DATASETS
from .evaluation.evaluator import mean_of, score_sample
from .model_utils.errors import InputError
from .model_utils.files import write_bytes
from .model_utils.images import read_floats
from .transforms import prepare_image

# The original's postprocess.py wants Sintel in Sintel/, its config.yaml in sintel/sintel-data/.
_FOLDERS = {
    "Kitti": ["Kitti_raw_data"],
    "Sintel": ["Sintel", "sintel/sintel-data"],
    "TUM": ["TUM"],
}
_HINT = "run the 310 program, check --result_path"


def open_dataset(name, folder, protocol):
    """One of the three datasets that the 310 program's original scores.

    Args:
        name: Kitti, Sintel or TUM.
        folder: dataset_path, which holds Kitti_raw_data/, Sintel/, TUM/.
        protocol: Protocol.
    Raises:
        InputError: it is not there, or damaged.
    """
    places = [Path(folder, place) for place in _FOLDERS[name]]
    root = next((place for place in places if place.is_dir()), None)
    if root is None:
        raise InputError(f"{name}: {places[0]} is not there; check --dataset_path")
    return DATASETS[name](root, protocol)


def _stem(dataset, index):
    """<sequence>/<frame> for Kitti and Sintel, TUM/<stamp> for TUM, as the 310 program writes."""
    parts = Path(dataset.name(index)).parts
    folder = {"Kitti": parts[0], "Sintel": parts[1], "TUM": "TUM"}[dataset.title]
    return Path(folder) / Path(parts[-1]).stem


def write_inputs(dataset, folder, *, size, mean, std):
    """Write <folder>/<sequence>/<frame>.bin for every image.

    A file is 1 x 3 x height x width float32, resized (cubic, aspect not kept) and normalised as in
    training.

    Args:
        dataset: from `open_dataset`.
        folder: where to.
        size: (width, height).
        mean, std: three numbers each, for image values in 0..1.
    """
    for index in range(len(dataset)):
        array = prepare_image(dataset.load(index).image, size, mean, std)
        stem = _stem(dataset, index)
        write_bytes(Path(folder) / stem.parent / f"{stem.name}.bin", array.tobytes())
    print(f"wrote {len(dataset)} images to {folder}")


def score_results(dataset, folder, size):
    """Score the results <frame>_0.bin in <folder>/<dataset>/<sequence>/.

    A file is height x width float32 inverse depth, which is resized to its ground truth with
    half-pixel centres.

    Args:
        dataset: from `open_dataset`.
        folder: result_path.
        size: (width, height) of the results.
    Returns:
        (mean of the metric, names of images without a valid pixel, which do not count).
    Raises:
        InputError: a result is missing or of the wrong size.
    """
    scores = []
    for index in range(len(dataset)):
        path = _result_file(dataset.title, folder, _stem(dataset, index))
        raw = read_floats(path, size[::-1], _HINT)
        sample = dataset.load(index)
        prediction = cv2.resize(raw, sample.depth.shape[::-1], interpolation=cv2.INTER_LINEAR)
        scores.append((dataset.name(index), score_sample(dataset, sample, prediction)))
    return mean_of(dataset, scores, dataset.protocol)


def _result_file(title, folder, stem):
    """The result of one image, with or without the dataset's folder."""
    name = stem.parent / f"{stem.name}_0.bin"
    places = [Path(folder, title, name), Path(folder, name)]
    if title == "TUM":
        places += [Path(folder, "TUM", name.name), Path(folder, name.name)]
    return next((place for place in places if place.is_file()), places[0])
