"""A 3x3 grouped convolution that holds one parameter, whatever way it is computed."""

import mindspore as ms
import numpy as np
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer

from ..model_utils.cpu_forms import device_target

# "merged" joins groups until a convolution has this many channels (or all of them).
_MERGED_CHANNELS = 64


def default_method():
    """The method that "auto" stands for on the current device.

    On CPU native: in MidasNet at 384x384 it took 0.94 of merged's time for an image, and compiling
    a training step 32 s where merged took 96 s and split 332 s (all on a busy machine). On Ascend
    split, because its documentation has group convolutions for depthwise only.
    """
    return "split" if device_target() == "Ascend" else "native"


def group_mask(channels, width, merge):
    """Which entries of a merged weight belong to the channel's own group.

    Args:
        channels (int): channels of the convolution.
        width (int): channels of a group.
        merge (int): groups per piece.

    Returns:
        (channels, width * merge, 1, 1) float32 array of 0 and 1.
    """
    own = np.arange(channels) // width % merge
    column = np.arange(width * merge) // width
    return (own[:, None] == column).astype(np.float32)[:, :, None, None]


class GroupedConv(nn.Cell):
    """3x3 grouped convolution without bias, padding 1.

    Args:
        channels (int): channels in and out.
        stride (int): 1 or 2.
        groups (int): divides channels.
        method (str): "native" (the framework's group convolution), "split" (one convolution
            per group), "merged" (a few dense convolutions with zeros between the groups) or "auto"
            (see default_method).
        weight_init: initializer of the (channels, channels / groups, 3, 3) weight.
    """

    def __init__(self, channels, stride, groups, method, weight_init):
        super().__init__()
        method = default_method() if method == "auto" else method
        width = channels // groups
        self.weight = Parameter(initializer(weight_init, (channels, width, 3, 3)), name="weight")
        self.merge = 1
        if method == "merged":
            while width * self.merge < _MERGED_CHANNELS and groups % (2 * self.merge) == 0:
                self.merge *= 2
            self.mask = ms.Tensor(group_mask(channels, width, self.merge))
        self.pieces = 1 if method == "native" else groups // self.merge
        border = {"stride": stride, "pad_mode": "pad", "pad": 1}
        if method == "native":
            self.conv = ops.Conv2D(channels, (3, 3), group=groups, **border)
        else:
            self.conv = ops.Conv2D(channels // self.pieces, (3, 3), **border)
        self.split_input = ops.Split(1, self.pieces)
        self.split_weight = ops.Split(0, self.pieces)
        self.concat = ops.Concat(1)

    def construct(self, x):
        """(B, channels, h, w) -> (B, channels, h / stride, w / stride), rounded up."""
        weight = self.weight.to(x.dtype)
        if self.merge > 1:
            weight = ops.tile(weight, (1, self.merge, 1, 1)) * self.mask.to(x.dtype)
        if self.pieces == 1:
            return self.conv(x, weight)
        inputs = self.split_input(x)
        weights = self.split_weight(weight)
        outputs = ()
        for i in range(self.pieces):
            outputs += (self.conv(inputs[i], weights[i]),)
        return self.concat(outputs)
