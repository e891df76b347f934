"""Published weights: how the names of three kinds of file map to this network; the start."""

import re

from .model_utils.checkpoint import load_networks
from .model_utils.errors import InputError
from .optimizers import ENCODER

PUBLISHED = (
    "MiDaS v2.1's midas_v21-f6b98070.pt fits: `python convert.py --source_path "
    "midas_v21-f6b98070.pt --target_path Midas.ckpt`, then --model_weights Midas.ckpt; "
    "`bash ../scripts/quickstart.sh midas` trains small ones: --config_path "
    "../out/quickstart/ckpt/config.yaml --model_weights ../out/quickstart/ckpt"
)
_NORM = re.compile(r"((?:^|\.)bn\d|downsample\.1|^pretrained\.layer1\.1)\.(\w+)$")
_NORM_ENTRIES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_PIECE = re.compile(r"\.convs\.(\d{1,4})\.weight$")


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


ENCODER_KIND = "ResNeXt encoder without a decoder"
_KINDS = (
    ("MiDaS v2 of PyTorch", "pretrained.", from_torch_name),
    (ENCODER_KIND, "layer1.0.conv1.", from_encoder_name),
    ("MiDaS of the MindSpore model zoo", "backbone_", from_modelzoo_name),
)


def map_names(source, path):
    """Tell the kind of a checkpoint by its names.

    Args:
        source: {name: array} of the file.
        path: of the file, for the error.

    Returns:
        (kind, {name in the file: parameter's name or None}); the pieces of a split convolution
        in their order.

    Raises:
        InputError: none of the three kinds.
    """
    for kind, mark, rename in _KINDS:
        if any(name.startswith(mark) for name in source):
            names = {name: rename(name) for name in sorted(source, key=_piece)}
            if not any(name and name.startswith("scratch.") for name in names.values()):
                kind = ENCODER_KIND
            return kind, names
    kinds = "; ".join(f"{kind}: {mark}..." for kind, mark, _ in _KINDS)
    few = ", ".join(list(source)[:3]) or "nothing"
    raise InputError(f"{path} holds {few}; expected names of one of these: {kinds}")


def _piece(name):
    """The number of a piece, 0 for what is not split."""
    number = _PIECE.search(name)
    return int(number[1]) if number else 0


def start_weights(net, path):
    """Load what training starts from: a converted encoder, a full checkpoint, or nothing.

    Args:
        net: MidasNet.
        path: .ckpt; empty leaves random values.

    Raises:
        InputError: bad file, or one that lacks part of the encoder.
    """
    if not path:
        print("no --model_weights: training starts from random values")
        return
    missing = load_networks({"midas": net}, path, allow_missing=True)
    encoder = [name for name in missing if name.startswith(ENCODER)]
    if encoder:
        few = f"{len(encoder)} parameters of the encoder, such as {encoder[0]}"
        raise InputError(f"{path} lacks {few}; convert.py writes checkpoints that fit")
    rest = f"the decoder's {len(missing)} parameters are random" if missing else "all parameters"
    print(f"loaded {path}: {rest}")
