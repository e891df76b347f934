"""The 310 path: test pictures to .bin files, result .bin files to metrics.

File names and layouts are the zoo's (research/cv/DepthNet/preprocess.py and postprocess.py).
"""

from pathlib import Path

import numpy as np

from . import metrics
from .dataset import NyuTest
from .model_utils.config import InputError
from .model_utils.images import write_bytes
from .sizes import DEPTH_SIZE


def preprocess(config):
    """Write img_data/ and label/DepthNet_nyu_1_<i>.bin below output_path.

    An image is 1x3x228x304 float32 in 0..1, a label 1x1x55x74 float32 metres; i counts the test
    pictures in the order of their names.

    Raises:
        InputError: bad dataset, or an output folder that exists already.
    """
    data = NyuTest(config.dataset_path, config.mask_invalid, config.skip_bad_samples)
    folders = [Path(config.output_path) / name for name in ("img_data", "label")]
    for folder in folders:
        if folder.exists():
            raise InputError(f"{folder} exists; remove it or give another --output_path")
    for index in range(len(data)):
        for folder, array in zip(folders, data.load(index)):
            write_bytes(folder / f"DepthNet_nyu_1_{index}.bin", array[None].tobytes())
    print(f"wrote {len(data)} images to {folders[0]} and their labels to {folders[1]}")


def postprocess(config):
    """Score <name>_0.bin (1x1x55x74 float32, ln metres) against <name>.bin of the labels.

    Prints the averages and writes them to acc_log.

    Raises:
        InputError: no results, a result without label, or a file of the wrong size.
    """
    results = sorted(Path(config.result_path).glob("*_0.bin"))
    if not results:
        raise InputError(f"result_path {config.result_path} holds no <name>_0.bin")
    rows, labels = [], Path(config.label_file)
    for path in results:
        arrays = _read(path), _read(labels / f"{path.stem.removesuffix('_0')}.bin")
        rows.append(metrics.image_metrics(*arrays, config.mask_invalid, clip_log=True))
    rows = [row for row in rows if row is not None]
    if not rows:
        raise InputError(f"label_file {labels}: no pixel with depth")
    text = f"average test accuracy:\n{metrics.format_metrics(metrics.average(rows))}\n"
    print(text, end="")
    write_bytes(config.acc_log, text.encode())


def _read(path):
    if not path.is_file():
        raise InputError(f"{path} does not exist; results and labels must be of the same run")
    values = np.fromfile(path, np.float32)
    if values.size != DEPTH_SIZE[0] * DEPTH_SIZE[1]:
        size, expected = path.stat().st_size, DEPTH_SIZE[0] * DEPTH_SIZE[1] * 4
        raise InputError(f"{path} has {size} bytes, expected {expected} (55x74 float32)")
    return values
