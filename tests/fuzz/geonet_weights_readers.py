"""What GeoNet reads of weights: checkpoints of ours, and TensorFlow's."""

import contextlib

import numpy as np

from geonet.src import weights
from geonet.src.model_utils import errors
from tests.fuzz.children import Reader
from tests.geonet.small_networks import save_small, small_networks
from tests.geonet.tf_files import block, sealed, table, varint, write_checkpoint

ERRORS = (errors.InputError, errors.RunError)
_NAMES = ("depth_net", "pose_net")
_TEXT = 'model_checkpoint_path: "model-7"\nall_model_checkpoint_paths: "model-7"\n'


def _variables():
    """A pose network of few numbers, with Adam's."""
    return {
        "beta1_power": np.float32(0.9),
        "global_step_1": np.array(7, np.int32),
        "pose_net/Conv/BatchNorm/beta": np.float32([1, 2]),
        "pose_net/Conv/weights": np.ones((7, 7, 9, 2), np.float32),
        "pose_net/Conv_1/weights": np.ones((1, 1, 2, 12), np.float32),
    }


def _write_tensorflow(folder):
    for name, shards in (("one", 1), ("two", 2)):
        write_checkpoint(folder / name / "model-7", _variables(), shards, block_size=100)
        (folder / name / "checkpoint").write_text(_TEXT)


def _open(folder, file):
    """As a run with --init_ckpt_file does; the folder's list names the checkpoint."""
    weights.open_weights(weights.find_weights(file.parent if file.suffix == "" else file))


def _load(folder, file):
    """As `_open`; the networks that are built are GeoNet's, of which a small file lacks much."""
    try:
        weights.load(weights.open_weights(weights.find_weights(file)), ["pose_net"])
    except errors.InputError as err:
        if " is missing" not in str(err):
            raise


def _write_bare(folder):
    """The content of an index's block, and what its data file holds."""
    write_checkpoint(folder / "bare", _variables())
    (folder / "bare.block").write_bytes(_block(folder / "bare.index"))


def _open_sealed(folder, file):
    """An index whose checksums are right whatever its block says."""
    (folder / "bare.index").write_bytes(table([file.read_bytes()], [b"q"]))
    weights.open_weights(folder / "bare.index")


def _write_packed(folder):
    """An index's block, compressed by Snappy: literals of up to 60 bytes."""
    write_checkpoint(folder / "bare", _variables())
    content = _block(folder / "bare.index")
    parts = [content[place : place + 60] for place in range(0, len(content), 60)]
    stream = b"".join(bytes([len(part) - 1 << 2]) + part for part in parts)
    (folder / "bare.block").write_bytes(varint(len(content)) + stream)


def _open_packed(folder, file):
    (folder / "bare.index").write_bytes(table([file.read_bytes()], [b"q"], 1))
    weights.open_weights(folder / "bare.index")


def _block(path):
    """The content of the only block of a table: what comes before the empty one."""
    content = path.read_bytes()
    return content[: content.index(sealed(block([]))) - len(sealed(b""))]


def _write_ours(folder):
    save_small(folder / "model-7.ckpt", _NAMES)
    save_small(folder / "pose.ckpt", _NAMES[1:])


def _start(folder, file):
    with contextlib.redirect_stdout(None):
        networks = small_networks(_NAMES)
        weights.start_networks(networks, str(folder / "model-7"), "train_rigid", "residual")
    weights.open_weights(file)


READERS = {
    "TensorFlow checkpoint": Reader(
        _write_tensorflow, ("*/*.index", "*/*.data-*", "*/checkpoint"), _open, ERRORS
    ),
    "TensorFlow checkpoint to load": Reader(_write_tensorflow, ("one/*.index",), _load, ERRORS),
    "TensorFlow index with right checksums": Reader(
        _write_bare, ("bare.block",), _open_sealed, ERRORS
    ),
    "TensorFlow index that is compressed": Reader(
        _write_packed, ("bare.block",), _open_packed, ERRORS
    ),
    "weights of GeoNet": Reader(_write_ours, ("*.ckpt",), _start, ERRORS),
}
