"""CoarseNet and FineNet: log-depth from one image.

Eigen, Puhrsch and Fergus, "Depth Map Prediction from a Single Image using a Multi-Scale Deep
Network", NIPS 2014, in the form of the MindSpore model zoo (research/cv/DepthNet/src/net.py): the
coarse net there is a small U-net followed by a dense layer. Parameter names are the zoo's, so
its checkpoints load unchanged.
"""

import mindspore as ms
from mindspore import nn, ops
from mindspore.common.initializer import Normal, initializer

from .fast_conv import FastConv
from .transforms import DEPTH_SIZE


def _conv(inputs, outputs, kernel, **options):
    options = {"pad_mode": "same", "has_bias": True, **options}
    return FastConv(inputs, outputs, kernel, **options)


def _deconv(inputs, outputs):
    return nn.Conv2dTranspose(inputs, outputs, 2, stride=2, pad_mode="pad", has_bias=True)


class CoarseNet(nn.Cell):
    """Global prediction: RGB (B, 3, 228, 304) in 0..1 -> ln(depth / m) (B, 1, 55, 74).

    Kept from the zoo: conv5 is applied three times, conv2 and conv9 are padded unevenly, nothing
    is activated from conv10 on.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = _conv(3, 64, 7, pools=True)
        self.conv2 = _conv(64, 128, 5, pad_mode="pad", padding=(1, 1, 2, 2), pools=True)
        self.conv3 = _conv(128, 256, 3, pools=True)
        self.conv4 = _conv(256, 512, 3, pools=True)
        self.conv5 = _conv(512, 512, 3)
        self.deconv6 = _deconv(512, 256)
        self.conv7 = _conv(512, 128, 3)
        self.deconv8 = _deconv(128, 64)
        self.conv9 = _conv(192, 64, 3, pad_mode="pad", padding=(1, 0, 0, 0))
        self.conv10 = _conv(64, 32, 3)
        self.conv11 = _conv(32, 16, 3)
        self.conv12 = _conv(16, 1, 3)
        pixels = DEPTH_SIZE[0] * DEPTH_SIZE[1]
        self.fc13 = nn.Dense(pixels, pixels)
        self.relu = nn.ReLU()

    def construct(self, rgb):
        # relu(pool(x)) equals the original's pool(relu(x)) on a quarter of the values.
        x1 = self.relu(self.conv1(rgb))  # (B, 64, 114, 152)
        x2 = self.relu(self.conv2(x1))  # (B, 128, 56, 76)
        x3 = self.relu(self.conv3(x2))  # (B, 256, 28, 38)
        x = self.relu(self.conv4(x3))  # (B, 512, 14, 19)
        for _ in range(3):
            x = self.relu(self.conv5(x))
        x = self.relu(self.deconv6(x))  # (B, 256, 28, 38)
        x = self.relu(self.conv7(ops.concat((x3, x), 1)))
        x = self.relu(self.deconv8(x))  # (B, 64, 56, 76)
        x = self.relu(self.conv9(ops.concat((x2, x), 1)))  # (B, 64, 55, 74)
        x = self.conv12(self.conv11(self.conv10(x)))
        x = self.fc13(x.reshape((x.shape[0], -1)))
        return x.reshape((-1, 1, DEPTH_SIZE[0], DEPTH_SIZE[1]))


class FineNet(nn.Cell):
    """Local refinement: RGB (B, 3, 228, 304) and coarse log-depth -> log-depth (B, 1, 55, 74).

    No layer has a bias; weights start as N(0, 0.01), as in the zoo.
    """

    def __init__(self):
        super().__init__()
        self.conv1 = _conv(3, 63, 9, stride=2, pad_mode="valid", has_bias=False, pools=True)
        self.conv2 = _conv(64, 64, 5, has_bias=False)
        self.conv3 = _conv(64, 1, 5, has_bias=False)
        self.relu = nn.ReLU()
        for parameter in self.get_parameters():
            parameter.set_data(initializer(Normal(0.01), parameter.shape, ms.float32))

    def construct(self, rgb, coarse):
        x = self.relu(self.conv1(rgb))  # (B, 63, 55, 74)
        x = self.relu(self.conv2(ops.concat((x, coarse), 1)))
        return self.conv3(x)


class DepthNet(nn.Cell):
    """Both stages in one graph: RGB (B, 3, 228, 304) in 0..1 -> depth in metres (B, 1, 55, 74)."""

    def __init__(self, coarse, fine):
        super().__init__()
        self.coarse = coarse
        self.fine = fine

    def construct(self, rgb):
        return ops.exp(self.fine(rgb, self.coarse(rgb)))
