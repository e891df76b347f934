"""How the names in other programs' files map to those of the networks' parameters."""

import re

from ..networks.resnet_encoder import DEPTHS

_NORM = re.compile(r"(^|\.)(bn\d|downsample\.1)$")
_NORM_ENTRIES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
    "_mean": "moving_mean",  # Paddle's
    "_variance": "moving_variance",
}
_CLASSIFIER = re.compile(r"(encoder\.)?fc\.")
_TORCHVISION = re.compile(r"(conv1|bn1|layer\d)\.")
_WRAPPED = re.compile(r"^(decoder\.\d+)\.conv\.conv$")


def parameter_name(key):
    """The parameter for an entry of any known file; None if networks have no use for it.

    Files of PyTorch, Paddle and torchvision differ in few words, and ours in those of BatchNorm, so
    one rule serves them all. A name that it does not know stays as it is.
    """
    head, _, last = key.rpartition(".")
    if last == "num_batches_tracked" or _CLASSIFIER.match(key):
        return None
    if _NORM.search(head):
        last = _NORM_ENTRIES.get(last, last)
    head = _WRAPPED.sub(r"\1.conv", head)
    name = f"{head}.{last}" if head else last
    return f"encoder.{name}" if _TORCHVISION.match(key) else name


def count_layers(names):
    """18, 34, 50, 101 or 152: the ResNet encoder that has these parameters; None for no such."""
    blocks = {stage: set() for stage in range(1, 5)}
    for name in names:
        if found := re.match(r"encoder\.layer([1-4])\.(\d+)\.", name):
            blocks[int(found[1])].add(found[2])
    is_deep = "encoder.layer1.0.conv3.weight" in names
    form = tuple(map(len, blocks.values())), is_deep
    return next((layers for layers, known in DEPTHS.items() if known == form), None)
