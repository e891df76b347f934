"""What Monodepth2 reads of weights: every kind of file, folders, Adam's state."""

import h5py
import numpy as np
from mindspore import nn

from monodepth2.src import weights
from monodepth2.src.model_utils import checkpoint, errors
from monodepth2.src.weights import reading
from tests.fuzz.children import Reader
from tests.monodepth2.weight_files import save, save_tar

ERRORS = (errors.InputError, errors.RunError)
_SIZE = {"height": 64, "width": 96, "use_stereo": True}
# The names of an encoder of 18 layers, with two numbers each.
_BLOCKS = [f"encoder.layer{s}.{b}.bn1.running_mean" for s in (1, 2, 3, 4) for b in (0, 1)]
_ENCODER = {name: np.ones(2, np.float32) for name in _BLOCKS}
_POSE = {"net.0.weight": np.ones((4, 3, 1, 1), np.float32), "net.0.bias": np.ones(4, np.float32)}


class _Pose(nn.Cell):
    """A network of one convolution, under a pose decoder's names."""

    def __init__(self):
        super().__init__()
        self.net = nn.CellList([nn.Conv2d(3, 4, 1, has_bias=True)])


def _write_files(folder, ending):
    """The parameters alone, and beside plain values."""
    save(folder / f"pose{ending}", _POSE)
    save(folder / f"encoder{ending}", _ENCODER, _SIZE)


def _write_h5(folder):
    _write_files(folder, ".h5")
    with h5py.File(folder / "packed.h5", "w") as file:
        file.create_dataset("net.0.bias", data=np.arange(999.0), compression="gzip")


def _write_tar(folder):
    save_tar(folder / "new.pth", {**_ENCODER, **_POSE}, "old")
    save_tar(folder / "old.pth", _POSE)


def _write_folders(folder):
    for ending in (".pth", ".pdparams"):
        (folder / ending[1:]).mkdir()
        _write_files(folder / ending[1:], ending)
    parts = {"encoder": _Pose(), "pose": _Pose()}
    adam = weights.AdamState(_adam(parts["pose"]))
    record = {**_SIZE, "num_layers": 18, "metric_scale": 5.4}
    checkpoint.save_networks({**parts, "adam": adam}, folder / "ckpt", record)


def _adam(network):
    return nn.Adam(network.trainable_params())


def _read_folder(folder, file):
    weights.read_folder_record(file.parent)
    network = _Pose()
    weights.load_folder({"pose": network}, file.parent)
    weights.load_adam(_adam(network), file.parent)


def _convert(folder, file):
    target = folder / "out.ckpt"
    try:
        weights.convert(str(file), str(target))
    except errors.InputError as err:
        # The files are complete, and hold only a part of a network.
        if " is missing" not in str(err) and "no complete ResNet" not in str(err):
            raise


def _reader(write, targets, read):
    return Reader(write, targets, read, ERRORS)


def _read_file(folder, file):
    reading.read_file(file)


READERS = {
    "folder of weights": _reader(_write_folders, ("*/*",), _read_folder),
    "weights in HDF5": _reader(_write_h5, ("*.h5",), _read_file),
    "weights of Paddle": _reader(
        lambda folder: _write_files(folder, ".pdparams"), ("*.pdparams",), _read_file
    ),
    "weights in a tar archive": _reader(_write_tar, ("*.pth",), _read_file),
    "weights to convert": _reader(
        lambda folder: _write_files(folder, ".pth"), ("*.pth",), _convert
    ),
}
