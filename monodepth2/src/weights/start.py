"""What a training starts from: ImageNet's weights in its encoders, a folder of weights."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..model_utils.errors import InputError
from ..networks.resnet_encoder import ResnetEncoder
from .fitting import fill, fitting
from .folder import find_files, load_folder
from .reading import read_file

# Torchvision's file of today, and of the original's time: the same weights in another container.
_HASHES = {
    18: ("f37072fd", "5c106cde"),
    34: ("b627a593", "333f7ec4"),
    50: ("0676ba61", "19c8e357"),
    101: ("63fe2227", "5d3b4d8f"),
    152: ("394f9c45", "b121ed2d"),
}
_ENDINGS = (".pth", ".pt", ".h5", ".pdparams", ".ckpt")
_CONV1 = "encoder.conv1.weight"


def start_networks(networks, weights_init, folder="", names=None):
    """Fill the networks of a training with what it starts from.

    Args:
        networks: {name: Cell}.
        weights_init: of the encoders that are not loaded from the folder: auto, pretrained,
            paddle_pretrained, scratch, or a file whose ending may be left out.
        folder: of weights; empty for none.
        names: of the networks to load from it, None for all.
    Raises:
        InputError: a missing, damaged or unfitting file.
    """
    loaded = [name for name in networks if folder and (names is None or name in names)]
    encoders = [
        network
        for name, network in networks.items()
        if isinstance(network, ResnetEncoder) and name not in loaded
    ]
    if encoders:
        start_encoders(encoders, weights_init)
    if folder:
        load_folder(networks, folder, names)


def check_start(weights_init, folder, num_layers):
    """Answer a wrong path of `start_networks` before data are looked for.

    Raises:
        InputError: no such folder, or no such file.
    """
    if folder:
        find_files(folder)
    elif weights_init != "auto":
        _find(weights_init, num_layers)


def start_encoders(encoders, weights_init):
    """Fill encoders of one depth with ImageNet's weights; see `start_networks`.

    For several stacked images the first convolution's weights are repeated, and divided by their
    number: a stack of equal images then gives the features of one.
    """
    path = _find(weights_init, encoders[0].num_layers)
    if path is None:
        return
    weights = read_file(path)
    print(f"loading weight from {path}")
    found = []
    for encoder in encoders:
        found += fitting(encoder, _stacked(weights, encoder))
    fill(found)


def _stacked(weights, encoder):
    """The weights for as many images as the encoder takes."""
    first = weights.arrays.get(_CONV1)
    images = encoder.encoder.conv1.weight.shape[1] // 3
    if first is None or images == 1 or first.shape[1:2] != (3,):
        return weights
    repeated = np.concatenate([first] * images, 1) / np.float32(images)
    return replace(weights, arrays={**weights.arrays, _CONV1: repeated})


def _find(weights_init, layers):
    """The file that weights_init names; None for random values."""
    if weights_init == "scratch":
        return None
    if weights_init not in ("auto", "pretrained", "paddle_pretrained"):
        return _with_ending(Path(weights_init).expanduser())
    is_paddle = weights_init == "paddle_pretrained"
    names = [f"resnet{layers}-{mark}.pth" for mark in _HASHES[layers]]
    names = [f"resnet{layers}.pdparams"] if is_paddle else names
    folders = [Path(), *(_paddle_caches() if is_paddle else _torch_caches())]
    paths = [folder / name for folder in folders for name in names]
    found = next(filter(Path.is_file, paths), None)
    if found is None:
        where = f"{names[0]} (ImageNet's weights) is neither in the working folder nor in"
        where = f"weights_init {weights_init}: {where} {folders[1]}"
        if weights_init != "auto":
            raise InputError(f"{where}; put it there, or give --weights_init FILE or scratch")
        print(f"{where}: the encoders start from random values; --weights_init takes its path")
    return found


def _with_ending(path):
    """The file itself, or with the first ending that there is."""
    paths = [path, *(path.with_name(path.name + ending) for ending in _ENDINGS)]
    found = next(filter(Path.is_file, paths), None)
    if found is None:
        tried = ", ".join(_ENDINGS)
        text = f"weights_init {path} does not exist, nor with one of {tried} added"
        raise InputError(f"{text}; give such a file, auto, pretrained or scratch")
    return found


def _torch_caches():
    """Where versions of PyTorch keep what they have downloaded, the newest first."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    home = Path(os.environ.get("TORCH_HOME") or cache / "torch").expanduser()
    oldest = Path("~/.torch").expanduser()
    return [home / "hub" / "checkpoints", home / "checkpoints", home / "models", oldest / "models"]


def _paddle_caches():
    return [Path("~/.cache/paddle/hapi/weights").expanduser()]
