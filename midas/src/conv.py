"""Convolutions whose backward pass needs little memory on CPU."""

import mindspore as ms
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer


def make_conv(in_channels, out_channels, kernel_size, stride=1, groups=1):
    """Convolution of (x, weight) with a zero border of kernel_size // 2, no bias.

    Args:
        in_channels, out_channels, groups (int): the weight is (out, in / groups, kh, kw).
        kernel_size (tuple of int): (kh, kw), odd.
        stride (int): in both directions.

    Returns:
        Callable of x (B, in, h, w) and the weight.
    """
    if ms.get_context("device_target") == "CPU":
        return _CpuConv(in_channels, out_channels, kernel_size, stride, groups)
    return _conv(out_channels, kernel_size, stride, groups)


def _conv(channels, kernel_size, stride, groups, kind=ops.Conv2D):
    height, width = kernel_size
    border = {"pad_mode": "pad", "pad": height // 2}
    if height != width:
        # The same for stride 1; the ONNX exporter would write (0, 0, 1, 1) in another order.
        border = {"pad_mode": "same"}
    return kind(channels, kernel_size, stride=stride, group=groups, **border)


class Conv3x3(nn.Cell):
    """3x3 convolution, stride 1, zero border.

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
        self.conv = make_conv(in_channels, out_channels, (3, 3))
        self.bias_add = ops.BiasAdd()

    def construct(self, x):
        """(B, in, h, w) -> (B, out, h, w)."""
        x = self.conv(x, self.weight)
        return self.bias_add(x, self.bias) if self.has_bias else x


class _CpuConv(nn.Cell):
    """Gradients by a convolution and a matrix product in place of oneDNN's two primitives.

    Each of those keeps a buffer of its own for kh * kw copies of the input as long as the graph
    lives: 5 GB for a training step of MidasNet at 384x384. Time is the same.
    """

    def __init__(self, in_channels, out_channels, kernel_size, stride, groups):
        super().__init__()
        self.conv = _conv(out_channels, kernel_size, stride, groups)
        if stride == 1:
            self.input_gradient = _conv(in_channels, kernel_size, 1, groups)
        else:
            self.input_gradient = _conv(
                out_channels, kernel_size, stride, groups, ops.Conv2DTranspose
            )
        self.weight_product = ops.BatchMatMul(transpose_b=True)
        self.kernel_size = kernel_size
        self.padding = tuple(size // 2 for size in kernel_size)
        self.stride = stride
        self.groups = groups

    def construct(self, x, weight):
        """(B, in, h, w), (out, in / groups, kh, kw) -> (B, out, h', w')."""
        return self.conv(x, weight)

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight."""
        batch, _, height, width = dout.shape
        by_group = (batch, self.groups, -1, height * width)
        # Not before the gradient arrives: the patches of all layers at once are gigabytes.
        patches = ops.unfold(
            ops.depend(x, dout),
            kernel_size=self.kernel_size,
            padding=self.padding,
            stride=self.stride,
        )
        product = self.weight_product(dout.reshape(by_group), patches.reshape(by_group))
        return self._input_gradient(x, weight, dout), product.sum(0).reshape(weight.shape)

    def _input_gradient(self, x, weight, dout):
        if self.stride > 1:
            return self.input_gradient(dout, weight, x.shape)
        # A stride of 1 is undone by the kernel turned round, with in- and outputs exchanged.
        outputs, inputs, kernel_height, kernel_width = weight.shape
        turned = ops.flip(weight, (2, 3)).reshape(
            self.groups, outputs // self.groups, inputs, kernel_height * kernel_width
        )
        turned = turned.swapaxes(1, 2).reshape(
            self.groups * inputs, outputs // self.groups, kernel_height, kernel_width
        )
        return self.input_gradient(dout, turned)
