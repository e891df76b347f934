"""A TensorFlow checkpoint as a .ckpt with the record of what it is."""

from pathlib import Path

from ..model_utils.checkpoint import save_networks
from ..model_utils.errors import InputError
from .files import find_weights
from .loading import listed, load
from .reading import open_weights

_SHOWN = ("dispnet_encoder", "flownet_type", "seq_length", "step")


def convert(source_path, target_path):
    """Write all networks of a TensorFlow checkpoint as one .ckpt; what is left out is printed.

    Args:
        source_path: of the checkpoint; see `find_weights`.
        target_path: .ckpt to write.
    Raises:
        InputError: a path is missing or wrong, or the source is damaged or not GeoNet's; nothing
            was written.
    """
    if not target_path:
        raise InputError("target_path is missing; give it as --target_path FILE")
    if Path(target_path).suffix != ".ckpt":
        raise InputError(f"target_path {target_path} must end in .ckpt")
    weights = open_weights(find_weights(source_path, "source_path"))
    if not weights.is_tensorflow:
        text = f"source_path {weights.path} is a MindSpore checkpoint already"
        raise InputError(f"{text}; give a TensorFlow checkpoint, without its ending")
    names = list(weights.networks)
    networks = load(weights, names)
    count = sum(map(len, weights.networks.values()))
    print(f"{weights.path}: {count} mapped, 0 missing, {len(weights.left_out)} left out")
    for name, value in weights.steps.items():
        print(f"  step: {name} is {value}")
    for name in weights.left_out:
        print(f"  left out: {name}")
    prefix = weights.path.name.removesuffix(".index")
    save_networks(networks, target_path, {**weights.record, "source": prefix})
    known = {key: weights.record[key] for key in _SHOWN if weights.record[key] is not None}
    said = ", ".join(f"{key} {value}" for key, value in known.items())
    print(f"wrote {target_path}: {listed(names)}; {said}")
