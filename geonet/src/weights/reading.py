"""Checkpoints of ours and of TensorFlow: their arrays, and what is known of their training."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..model_utils.checkpoint import read_with_record
from ..model_utils.errors import InputError, shown
from ..networks import NETWORKS
from .names import is_optimizers, options_of, split_name, step_number
from .sstable import is_table
from .tf_checkpoint import read_checkpoint

_UNKNOWN = dict.fromkeys(
    ("networks", "mode", "dispnet_encoder", "scale_normalize", "flownet_type")
    + ("img_height", "img_width", "seq_length", "step")
)
_MOST = 3  # names that an error lists
_LARGEST = 1 << 14  # pixels of a side: more is damage


@dataclass(frozen=True)
class Weights:
    """What a checkpoint holds.

    Attributes:
        path: of the .ckpt, or of a TensorFlow checkpoint's .index.
        record: {networks, mode (train_rigid or train_flow), dispnet_encoder, scale_normalize,
            flownet_type, img_height, img_width, seq_length, step}, None where it is unknown.
        networks: {name: {parameter: float32 array}} in the order of NETWORKS; kernels are
            (out, in, height, width), their names TensorFlow's where is_tensorflow.
        is_tensorflow: whose file it is.
        steps: {name: value} of a TensorFlow checkpoint's step counters.
        left_out: names of its variables that are an optimizer's.
    """

    path: Path
    record: dict
    networks: dict = field(repr=False)
    is_tensorflow: bool = False
    steps: dict = field(default_factory=dict)
    left_out: tuple = ()


def open_weights(path):
    """Read a file that `find_weights` found.

    Raises:
        InputError: damaged, or it holds anything but GeoNet's networks.
    """
    path = Path(path)
    if path.suffix == ".index":
        return _open_tensorflow(path)
    if is_table(path):
        text = f"{path} is a TensorFlow checkpoint of version 1"
        raise InputError(f"{text}; restore and save it in TensorFlow, Saver(write_version=2)")
    if path.suffix != ".ckpt":
        text = f"{path} is no checkpoint; give a .ckpt of GeoNet's training"
        raise InputError(f"{text}, or a TensorFlow checkpoint's .index")
    return _open_ours(path)


def _open_ours(path):
    record, found = read_with_record(path)
    if "progress" in record:
        text = f"{path} is a training's state, for --resume"
        raise InputError(f"{text}; give a model-<step>.ckpt")
    names = record.get("networks")
    if not isinstance(names, list) or not names or not set(map(str, names)) <= set(NETWORKS):
        text = f"{path} says networks {shown(names)}, expected some of {', '.join(NETWORKS)}"
        raise InputError(f"{text}; give a .ckpt of GeoNet's training or of convert.py")
    found = {name: parameter.numpy() for name, parameter in found.items()}
    networks = {}
    for name in (name for name in NETWORKS if name in names):
        prefix = f"{name}." if len(names) > 1 else ""
        networks[name] = {
            key.removeprefix(prefix): array
            for key, array in found.items()
            if key.startswith(prefix)
        }
    record = {**_UNKNOWN, **record, **options_of(networks, path)}
    return Weights(path, _checked(path, record), networks)


def _checked(path, record):
    """A record of ours whose values are of use."""
    for key in ("img_height", "img_width"):
        pixels = record[key]
        if pixels is not None and not (isinstance(pixels, int) and 0 < pixels <= _LARGEST):
            raise InputError(f"{path} says {key} {shown(pixels)}; use another copy")
    return record


def _open_tensorflow(path):
    """The networks of a TensorFlow checkpoint; every variable is known, or it is an error."""
    arrays, left_out = read_checkpoint(path, lambda name: not is_optimizers(name))
    networks, steps, unexpected = {}, {}, []
    for name in list(arrays):
        array = arrays.pop(name)  # not all of them twice in memory
        network, rest = split_name(name)
        if network is not None:
            networks.setdefault(network, {})[rest] = _plain(array)
        elif step_number(name) is not None and array.ndim == 0 and array.dtype.kind == "i":
            steps[name] = int(array)
        else:
            unexpected.append(shown(name))
    if unexpected or not networks:
        more = f" and {len(unexpected) - _MOST} more" if len(unexpected) > _MOST else ""
        text = f"{path} holds {', '.join(unexpected[:_MOST]) or 'no network'}{more}"
        raise InputError(f"{text}; expected the variables of {', '.join(NETWORKS)} of GeoNet alone")
    networks = {name: networks[name] for name in NETWORKS if name in networks}
    record = {
        "networks": list(networks),
        "step": steps[max(steps, key=step_number)] if steps else None,
    }
    record["mode"] = "train_flow" if "flow_net" in networks else "train_rigid"
    record = {**_UNKNOWN, **record, **options_of(networks, path)}
    return Weights(path, record, networks, True, steps, tuple(left_out))


def _plain(array):
    """float32; a kernel's axes (height, width, in, out) as MindSpore has them."""
    array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
    return np.asarray(array, np.float32, order="C")
