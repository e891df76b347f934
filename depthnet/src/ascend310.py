"""The 310 path: test images to .bin files, result .bin files to metrics.

File names and layouts are the zoo's (research/cv/DepthNet/preprocess.py and postprocess.py).
"""

from pathlib import Path

from . import metrics
from .model_utils.errors import InputError
from .model_utils.files import write_bytes
from .model_utils.images import read_floats
from .transforms import DEPTH_SIZE

_HINT = "results and labels must be of the same run"


def write_inputs(data, folder):
    """Write img_data/ and label/DepthNet_nyu_1_<i>.bin below a folder.

    An image is 1x3x228x304 float32 in 0..1, a label 1x1x55x74 float32 metres; i counts the test
    images in the order of their names.

    Args:
        data: NyuTest.
        folder: neither img_data nor label may exist in it.
    Raises:
        InputError: one of them exists already.
    """
    folders = {"rgb": Path(folder) / "img_data", "depth": Path(folder) / "label"}
    for path in folders.values():
        if path.exists():
            raise InputError(f"{path} exists; remove it or give another --output_path")
    for index in range(len(data)):
        sample = data.load(index)
        for field, path in folders.items():
            array = sample[field][None]
            write_bytes(path / f"DepthNet_nyu_1_{index}.bin", array.tobytes())
    print(f"wrote {len(data)} images to {folders['rgb']} and their labels to {folders['depth']}")


def score_results(results, labels, mask_invalid=False):
    """Score <name>_0.bin (1x1x55x74 float32, ln metres) against <name>.bin of the labels.

    Args:
        results, labels: folders.
        mask_invalid: leave pixels without depth out.
    Returns:
        The averages by the original's names.
    Raises:
        InputError: no results, a result without label, or a file of the wrong size.
    """
    paths = sorted(Path(results).glob("*_0.bin"))
    if not paths:
        raise InputError(f"result_path {results} holds no <name>_0.bin")
    rows = []
    for path in paths:
        label = Path(labels) / f"{path.stem.removesuffix('_0')}.bin"
        result, target = (read_floats(file, DEPTH_SIZE, _HINT) for file in (path, label))
        options = {"mask_invalid": mask_invalid, "clip_log": True}
        rows.append(metrics.image_metrics(result, target, **options))
    rows = [row for row in rows if row is not None]
    if not rows:
        raise InputError(f"label_file {labels}: no pixel with depth")
    return metrics.average(rows)
