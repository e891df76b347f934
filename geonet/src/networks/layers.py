"""The convolution that all networks are made of, as TensorFlow's slim computes it."""

import mindspore as ms
from mindspore import Parameter, nn, ops
from mindspore.common.initializer import initializer

from ..model_utils.convolutions import LeanConv, is_lean
from ..model_utils.cpu_forms import CpuForm
from ..sfm_utils.decoder_conv import DoubledConv, FeatureConv
from ..sfm_utils.frames import Double
from .few_pixels import MOST_PIXELS, FewPixelsConv, ShiftedConv
from .row_pairs import LEAST_KERNEL, MOST_CHANNELS, RowPairConv

# With fewer pixels the sums of a doubled map's kernels take longer than they save.
_LEAST_DOUBLED = 32
# In exported graphs `ShiftedConv` is faster with so many kernels and so few pixels.
_LEAST_KERNELS, _MOST_SHIFTED = 1 << 19, 64


class BatchNorm(nn.BatchNorm2d):
    """slim.batch_norm: a learnt shift but no scale.

    The moving variance takes the batch's unbiased variance, as TensorFlow's fused operator does
    since 1.2.

    Args:
        channels (int): of the map.
    """

    def __init__(self, channels):
        super().__init__(channels, eps=1e-3, momentum=0.999)
        self.gamma.requires_grad = False

    def use_decay(self, decay):
        """Set the share of the moving statistics that a training step keeps; it is 0.999 at first.

        Args:
            decay (float): 0..1.
        """
        self.momentum = 1 - decay
        self.bn_train = ops.BatchNorm(is_training=True, epsilon=self.eps, momentum=self.momentum)


class ConvLayer(CpuForm):
    """A convolution with batch normalisation or a bias, and ReLU.

    Args:
        in_channels, out_channels (int): channels.
        kernel_size (int): odd.
        stride (int): 1 or 2.
        padding (str): "same" is TensorFlow's, which for stride 2 pads even sizes more to the right
            and below; "explicit" pads (kernel_size - 1) / 2 on every side. Alike for stride 1.
        is_head (bool): a bias and neither normalisation nor ReLU, as before a prediction.
        has_relu (bool): False leaves ReLU out.
        doubles (bool): the map's pixels are repeated to twice its size first; stride 1.
    """

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        *,
        padding="explicit",
        is_head=False,
        has_relu=True,
        doubles=False,
    ):
        super().__init__()
        shape = (out_channels, in_channels, kernel_size, kernel_size)
        self.weight = Parameter(initializer("XavierUniform", shape), name="weight")
        self.is_head, self.has_relu, self.doubles = is_head, has_relu and not is_head, doubles
        if is_head:
            self.bias = Parameter(initializer("zeros", (out_channels,)), name="bias")
            self.bias_add = ops.BiasAdd()
        else:
            self.norm = BatchNorm(out_channels)
        border = {"pad_mode": "same"} if padding == "same" else {"pad_mode": "pad"}
        if padding == "explicit":
            border["pad"] = (kernel_size - 1) // 2
        self.conv = ops.Conv2D(out_channels, shape[2:], stride=stride, **border)
        self.stride, self.few = stride, FewPixelsConv(kernel_size, stride, padding)
        self.lean = LeanConv(kernel_size, stride, **border)
        self.has_forms = kernel_size == 3 and stride == 1 and not doubles
        if doubles:
            self.doubled, self.double = DoubledConv(), Double()
        elif self.has_forms:
            self.of_features = FeatureConv(is_reflect=False)
        self.halves_to_few = (
            stride == 2 and kernel_size >= LEAST_KERNEL and out_channels <= MOST_CHANNELS
        )
        if self.halves_to_few:
            self.row_pairs = RowPairConv(kernel_size, padding)
        self.relu = nn.ReLU()
        self.has_many_kernels = (
            kernel_size == 3 and stride == 1 and in_channels * out_channels >= _LEAST_KERNELS
        )
        if self.has_many_kernels:
            self.shifted = ShiftedConv(out_channels)

    def construct(self, x):
        """(B, in, h, w) -> (B, out, h', w'): h' = ceil(h / stride), or 2 h."""
        y = self._convolved(x)
        y = self.bias_add(y, self.bias.to(y.dtype)) if self.is_head else self.norm(y)
        return self.relu(y) if self.has_relu else y

    def _convolved(self, x):
        height, width = x.shape[2], x.shape[3]
        has_cpu_form = self.cpu_form and x.dtype == ms.float32
        if has_cpu_form and self.doubles and height * width >= _LEAST_DOUBLED:
            return self.doubled(x, self.weight, False)
        if has_cpu_form and self.has_forms and height * width > MOST_PIXELS:
            return self.of_features(x, self.weight)
        x = self.double(x) if self.doubles else x
        pixels = -(-x.shape[2] // self.stride) * -(-x.shape[3] // self.stride)
        if has_cpu_form and pixels <= MOST_PIXELS:
            return self.few(x, self.weight)
        is_trained = has_cpu_form and self.training
        if is_trained and is_lean(x.shape, self.weight.shape, self.stride, x.dtype):
            return self.lean(x, self.weight)
        has_pairs = has_cpu_form and not self.training and self.halves_to_few
        if has_pairs and x.shape[2] % 4 == 0 and x.shape[3] % 2 == 0:
            return self.row_pairs(x, self.weight)
        if self.is_exported and self.has_many_kernels and pixels <= _MOST_SHIFTED:
            return self.shifted(x, self.weight.to(x.dtype))
        return self.conv(x, self.weight.to(x.dtype))


def nearest_like(resize, x, like):
    """A map at the size of another by nearest pixels; as it is where the sizes are equal.

    Args:
        resize: Resize("nearest").
        x: (B, C, h, w).
        like: (B, D, H, W).
    Returns:
        (B, C, H, W).
    """
    if x.shape[2:] == like.shape[2:]:
        return x
    return resize(x, like.shape[2], like.shape[3])
