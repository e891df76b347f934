"""Weights from elsewhere: zoo checkpoints with optimizer entries or in float16, .npz, PyTorch."""

from pathlib import Path

import numpy as np

from .model_utils.checkpoint import read_parameters, save_parameters
from .model_utils.config import InputError
from .network import CoarseNet, FineNet

_NETS = {"CoarseNet": CoarseNet, "FineNet": FineNet}


def convert(config):
    """Convert source_path to a CoarseNet or FineNet checkpoint at target_path, and say what fits.

    Names must be the zoo's (conv1.weight ...), a prefix is allowed; the network is recognised by
    the shapes. Nothing is written unless every parameter is found.

    Raises:
        InputError: unreadable file, or neither network fits.
    """
    for key in ("source_path", "target_path"):
        if not getattr(config, key):
            raise InputError(f"{key} is missing; see --help")
    if not config.target_path.endswith(".ckpt"):
        raise InputError(f"target_path {config.target_path} must end in .ckpt")
    source = read_weights(config.source_path)
    name = max(_NETS, key=lambda key: len(_mapped(_NETS[key](), source)))
    net = _NETS[name]()
    mapped = _mapped(net, source)
    targets = {parameter.name: parameter for parameter in net.get_parameters()}
    missing = [key for key in targets if key not in mapped]
    left_over = sorted(set(source) - set(mapped.values()))
    print(f"{name}: {len(mapped)} mapped, {len(missing)} missing, {len(left_over)} left over")
    for word, names in (("missing", missing), ("left over", left_over)):
        for key in names:
            print(f"  {word}: {key}")
    if missing:
        raise InputError(f"{config.source_path} does not fit CoarseNet or FineNet; see the list")
    for key, parameter in targets.items():
        parameter.set_data(type(parameter)(np.float32(source[mapped[key]]), parameter.name))
    save_parameters(net.get_parameters(), config.target_path)
    print(f"wrote {config.target_path}")


def read_weights(path):
    """{name: array} of a .ckpt, .npz, .pth or .pt file; nothing in the file is executed.

    Raises:
        InputError: missing or broken file, unknown kind, or PyTorch is needed and absent.
    """
    path = Path(path)
    if path.suffix == ".ckpt":
        found = read_parameters(path)
        return {key: value.asnumpy() for key, value in found.items() if hasattr(value, "asnumpy")}
    if not path.is_file():
        raise InputError(f"source_path {path} does not exist")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        if path.suffix in (".pth", ".pt"):
            return _read_torch(path)
    except (OSError, ValueError, RuntimeError, EOFError) as err:
        if isinstance(err, InputError):
            raise
        raise InputError(f"source_path {path} is truncated or no weights file") from err
    raise InputError(f"source_path {path}: expected .ckpt, .npz, .pth or .pt")


def _read_torch(path):
    try:
        import torch
    except ImportError:
        raise InputError(f"{path} needs PyTorch to be read; pip install torch") from None
    found = torch.load(path, map_location="cpu", weights_only=True)
    return {key: value.numpy() for key, value in found.items() if hasattr(value, "numpy")}


def _mapped(net, source):
    """{parameter's name: source's name} where the name (behind a prefix) and the shape agree."""
    mapped = {}
    for parameter in net.get_parameters():
        for key, value in source.items():
            tail = key == parameter.name or key.endswith(f".{parameter.name}")
            if tail and not key.startswith("moment") and value.shape == tuple(parameter.shape):
                mapped[parameter.name] = key
                break
    return mapped
