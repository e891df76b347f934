"""Published weights: their names, how the three kinds of file map to this network, convert.py."""

import pickle
import re
from pathlib import Path

import mindspore as ms
import numpy as np

from .model_utils.checkpoint import load_networks, read_parameters, save_parameters
from .model_utils.errors import InputError
from .networks import MidasNet
from .optimizers import ENCODER

_NORM = re.compile(r"((?:^|\.)bn\d|downsample\.1|^pretrained\.layer1\.1)\.(\w+)$")
_NORM_ENTRIES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_PIECE = re.compile(r"\.convs\.(\d+)\.weight$")


def from_torch_name(name):
    """The parameter for an entry of a PyTorch MiDaS v2 / v2.1 checkpoint; None if it has none."""
    norm = _NORM.search(name)
    if norm is None:
        return name if name.startswith(("pretrained.", "scratch.")) else None
    entry = _NORM_ENTRIES.get(norm[2])
    return None if entry is None else f"{name[: norm.end(1)]}.{entry}"


def from_encoder_name(name):
    """The parameter for an entry of ig_resnext101_32x8 (torchvision's names); None for fc.*."""
    for pattern, ours in (
        (r"^conv1\.", "layer1.0."),
        (r"^bn1\.", "layer1.1."),
        (r"^layer1\.", "layer1.4."),
        (r"^layer([234])\.", r"layer\1."),
    ):
        renamed, count = re.subn(pattern, ours, name)
        if count:
            return from_torch_name(f"pretrained.{renamed}")
    return None


def from_modelzoo_name(name):
    """The parameter for one of the zoo's; the pieces `.convs.N.` of a convolution share one."""
    for pattern, ours in (
        (r"^backbone_conv\.", "pretrained.layer1.0."),
        (r"^backbone_bn\.", "pretrained.layer1.1."),
        (r"^backbone_layer1\.", "pretrained.layer1.4."),
        (r"^backbone_layer([234])\.", r"pretrained.layer\1."),
        (r"^(layer\d_rn|refinenet\d|output_conv)_scratch\.", r"scratch.\1."),
    ):
        renamed, count = re.subn(pattern, ours, name)
        if count:
            renamed = renamed.replace("down_sample.conv", "downsample.0")
            renamed = renamed.replace("down_sample.bn", "downsample.1")
            if renamed.endswith("num_batches_tracked"):  # the zoo's own converter leaves them
                return None
            return _PIECE.sub(".weight", renamed)
    return None


_ENCODER = "ResNeXt encoder without a decoder"
_KINDS = (
    ("MiDaS v2 of PyTorch", "pretrained.", from_torch_name),
    (_ENCODER, "layer1.0.conv1.", from_encoder_name),
    ("MiDaS of the MindSpore model zoo", "backbone_", from_modelzoo_name),
)


def convert(config):
    """Convert source_path to a checkpoint of this network at target_path and say what fits.

    The kind of file is told by its content. Nothing is written unless every parameter of the
    network, or of its encoder when the file holds no decoder, is found with its shape.

    Args:
        config: source_path, target_path and the network's keys (layers, features, ...).

    Raises:
        InputError: a path is missing, an unreadable or unknown file, other names or shapes.
    """
    for key in ("source_path", "target_path"):
        if not getattr(config, key):
            raise InputError(f"{key} is missing; give it as --{key} FILE")
    if not config.target_path.endswith(".ckpt"):
        raise InputError(f"target_path {config.target_path} must end in .ckpt")
    path = config.source_path
    source = read_weights(path)
    kind, names = map_names(source, path)
    net = MidasNet(
        layers=config.layers,
        features=config.features,
        groups=config.groups,
        width_per_group=config.width_per_group,
        network_variant=config.network_variant,
        grouped_conv=config.grouped_conv,
    )
    part = net.pretrained if kind is _ENCODER else net
    shapes = {parameter.name: tuple(parameter.shape) for parameter in part.get_parameters()}
    arrays = gather(source, {key: name for key, name in names.items() if name is not None})
    missing = [name for name in shapes if name not in arrays]
    left_over = [key for key, name in names.items() if name not in shapes]
    counts = f"{len(source) - len(left_over)} mapped, {len(missing)} missing"
    print(f"{kind}: {counts}, {len(left_over)} left over")
    for word, listed in (("missing", missing), ("left over", left_over)):
        for name in listed:
            print(f"  {word}: {name}")
    _check_fit(arrays, shapes, path)
    parameters = [ms.Parameter(arrays[name], name=name) for name in shapes]
    save_parameters(parameters, config.target_path)
    print(f"wrote {config.target_path} with {len(parameters)} parameters")


def _check_fit(arrays, shapes, path):
    """InputError unless the arrays are those of the network, no more and no less."""
    wrong = []
    for name in {**shapes, **arrays}:
        if name not in arrays:
            wrong.append(f"{name} is missing")
        elif name not in shapes:
            wrong.append(f"{name} has no place")
        elif arrays[name].shape != shapes[name]:
            wrong.append(f"{name} is {arrays[name].shape}, expected {shapes[name]}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        advice = "set layers, features, groups, width_per_group to the file's network"
        raise InputError(f"{path} does not fit: {'; '.join(wrong[:3])}{more}; {advice}")


def map_names(source, path):
    """Tell the kind of a checkpoint by its names.

    Args:
        source: {name: array} of the file.
        path: of the file, for the error.

    Returns:
        (kind, {name in the file: parameter's name or None}).

    Raises:
        InputError: none of the three kinds.
    """
    for kind, mark, rename in _KINDS:
        if any(name.startswith(mark) for name in source):
            names = {name: rename(name) for name in source}
            if not any(name and name.startswith("scratch.") for name in names.values()):
                kind = _ENCODER
            return kind, names
    kinds = "; ".join(f"{kind}: {mark}..." for kind, mark, _ in _KINDS)
    few = ", ".join(list(source)[:3]) or "nothing"
    raise InputError(f"{path} holds {few}; expected names of one of these: {kinds}")


def gather(source, names):
    """{parameter's name: float32 array}; a split convolution's pieces joined in their order."""
    pieces = {}
    for key, name in names.items():
        number = _PIECE.search(key)
        pieces.setdefault(name, []).append((int(number[1]) if number else 0, key))
    return {
        name: np.concatenate([np.asarray(source[key], np.float32) for _, key in sorted(keys)])
        if len(keys) > 1
        else np.asarray(source[keys[0][1]], np.float32)
        for name, keys in pieces.items()
    }


def read_weights(path):
    """Read a checkpoint of PyTorch or MindSpore, told apart by the first bytes.

    Args:
        path: file; nothing in it is executed.

    Returns:
        {name: array}; of a PyTorch training state the part under "model" or "state_dict".

    Raises:
        InputError: missing or broken file, or PyTorch is needed and absent.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"source_path {path} does not exist")
    with path.open("rb") as file:
        head = file.read(2)
    # A zip archive (PyTorch 1.6 and later) or a bare pickle.
    if head not in (b"PK", b"\x80\x02"):
        found = read_parameters(path)
        return {key: value.asnumpy() for key, value in found.items() if hasattr(value, "asnumpy")}
    try:
        import torch
    except ImportError:
        raise InputError(f"{path} needs PyTorch to be read: pip install torch") from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, ValueError, RuntimeError, EOFError, KeyError, pickle.UnpicklingError) as err:
        raise InputError(f"{path} is truncated, or more than weights in PyTorch's form") from err
    for part in ("model", "state_dict"):
        if isinstance(found, dict) and isinstance(found.get(part), dict):
            found = found[part]
    if not isinstance(found, dict):
        raise InputError(f"{path} holds a {type(found).__name__}, expected a dict of tensors")
    tensors = {key: value for key, value in found.items() if isinstance(value, torch.Tensor)}
    # Trained with DataParallel, every name has this prefix.
    return {key.removeprefix("module."): value.float().numpy() for key, value in tensors.items()}


def start_weights(net, path):
    """Load what training starts from: a converted encoder, a full checkpoint, or nothing.

    Args:
        net: MidasNet.
        path: .ckpt; empty leaves random values.

    Raises:
        InputError: bad file, or one that lacks part of the encoder.
    """
    if not path:
        print("no --model_weights: training starts from random values", flush=True)
        return
    missing = load_networks({"midas": net}, path, allow_missing=True)
    encoder = [name for name in missing if name.startswith(ENCODER)]
    if encoder:
        few = f"{len(encoder)} parameters of the encoder, such as {encoder[0]}"
        raise InputError(f"{path} lacks {few}; convert.py writes checkpoints that fit")
    rest = f"the decoder's {len(missing)} parameters are random" if missing else "all parameters"
    print(f"loaded {path}: {rest}", flush=True)
