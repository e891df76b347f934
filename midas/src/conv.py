"""The decoder's 3x3 convolution, and how CPU-only forms of an operator are switched off."""

import mindspore as ms
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer

from .winograd import WinogradConv, fits


class CpuForm(nn.Cell):
    """A cell with a form of its own for CPU, taken where `cpu_form` is true."""

    def __init__(self):
        super().__init__()
        self.cpu_form = ms.get_context("device_target") == "CPU"


def use_plain_forms(net):
    """Make a network compute with plain operators, as a graph for other devices must."""
    for _, cell in net.cells_and_names():
        if isinstance(cell, CpuForm):
            cell.cpu_form = False


class Conv3x3(CpuForm):
    """3x3 convolution, stride 1, zero border; on CPU large maps take Winograd's way.

    Args:
        in_channels, out_channels (int): channels.
        has_bias (bool): add a bias.
        weight_init, bias_init: initializers of the (out, in, 3, 3) weight and the (out,) bias.
    """

    def __init__(self, in_channels, out_channels, has_bias, weight_init, bias_init):
        super().__init__()
        shape = (out_channels, in_channels, 3, 3)
        self.weight = Parameter(initializer(weight_init, shape), name="weight")
        self.has_bias = has_bias
        if has_bias:
            self.bias = Parameter(initializer(bias_init, (out_channels,)), name="bias")
        self.conv = ops.Conv2D(out_channels, (3, 3), pad_mode="pad", pad=1)
        self.winograd = WinogradConv()
        self.bias_add = ops.BiasAdd()

    def construct(self, x):
        """(B, in, h, w) -> (B, out, h, w)."""
        if self.cpu_form and fits(x.shape, x.dtype):
            x = self.winograd(x, self.weight)
        else:
            x = self.conv(x, self.weight.astype(x.dtype))
        return self.bias_add(x, self.bias.astype(x.dtype)) if self.has_bias else x
