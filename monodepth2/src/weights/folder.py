"""Folders of weights: those that a training writes, the PyTorch release's, Paddle's."""

import math
from pathlib import Path

from ..model_utils.errors import InputError, NoWeightsError, shown
from ..model_utils.files import read_record
from ..networks.resnet_encoder import DEPTHS
from ..sfm_utils.depth_evaluation import STEREO_SCALE
from .fitting import fill, fitting, layers_of
from .reading import ENDINGS, read_file

NETWORKS = ("encoder", "depth", "pose_encoder", "pose", "predictive_mask")
_KINDS = ".ckpt, .pth, .pdparams"
_LARGEST = 1 << 14  # pixels of a side: more is damage


def find_files(folder):
    """{network: its file} of a folder; of several kinds the first one of ENDINGS.

    Raises:
        NoWeightsError: no such folder.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        hint = "it is a file; unpack it" if folder.is_file() else "train first"
        raise NoWeightsError(
            f"Cannot find folder {folder}: {hint}, or give one that holds encoder.pth"
        )
    files = {}
    for name in NETWORKS:
        paths = (folder / f"{name}{ending}" for ending in ENDINGS)
        path = next(filter(Path.is_file, paths), None)
        if path is not None:
            files[name] = path
    return files


def load_folder(networks, folder, names=None):
    """Load networks from a folder of weights, all or nothing.

    Args:
        networks: {encoder, depth, pose_encoder, pose or predictive_mask: Cell}.
        folder: holds a file of each, .ckpt, .pth, .pt, .pdparams or .h5.
        names: of the networks to load; None for all. Names beside the networks' are ignored.
    Raises:
        InputError: no such folder, a network's file is missing, damaged or of another network.
    """
    files = find_files(folder)
    wanted = [name for name in networks if names is None or name in names]
    if not wanted:
        here = ", ".join(networks)
        raise InputError(f"models_to_load {' '.join(names)}: the networks here are {here}")
    if missing := [name for name in wanted if name not in files]:
        raise InputError(f"{folder} lacks {', '.join(missing)}: {_found(files)}")
    print(f"loading model from folder {folder}")
    found = []
    for name in wanted:
        print(f"Loading {name} weights...")
        found += fitting(networks[name], read_file(files[name]), name)
    fill(found)


def _found(files):
    """What a folder holds, and what to do."""
    if not files:
        return f"it holds no network ({_KINDS}); give a folder of weights"
    names = " ".join(files)
    return f"it holds {names}; give another folder, or train with --models_to_load {names}"


def read_folder_record(folder):
    """What a folder says of its training.

    Returns:
        {height, width: pixels at the network; use_stereo; num_layers; metric_scale: metres per
        unit of depth, None where depth is not metric}, and what else our own training recorded.
    Raises:
        InputError: no such folder, no encoder in it, or one that does not say the size.
    """
    files = find_files(folder)
    if "encoder" not in files:
        raise InputError(f"{folder} lacks encoder: {_found(files)}")
    path = files["encoder"]
    record = read_record(path) if path.suffix == ".ckpt" else {}
    if record.get("num_layers") not in tuple(DEPTHS):
        weights = read_file(path)
        record = {**weights.rest, "num_layers": layers_of(weights)}
        if record.get("use_stereo") and path.suffix != ".ckpt":
            record["metric_scale"] = STEREO_SCALE
    return _checked(path, record)


def _checked(path, record):
    """A record whose values are of use."""
    for key in ("height", "width"):
        pixels = record.get(key)
        if not isinstance(pixels, int) or not 0 < pixels <= _LARGEST or pixels % 32:
            text = f"{path} says {key} {shown(pixels)}, expected a multiple of 32"
            raise InputError(f"{text}; give the encoder as its training saved it")
    scale = record.get("metric_scale")
    if scale is not None and not (isinstance(scale, (int, float)) and 0 < scale < math.inf):
        text = f"{path} says metric_scale {shown(scale)}, expected metres per unit of depth"
        raise InputError(f"{text}; give the encoder as its training saved it")
    return {**record, "use_stereo": bool(record.get("use_stereo")), "metric_scale": scale}
