"""The photometric loss and the convolution blocks of video models in MindSpore; see bench_sfm."""

import mindspore as ms
from mindspore import nn, ops

from monodepth2.src.model_utils.convolutions import Conv
from monodepth2.src.model_utils.resize import Resize
from monodepth2.src.sfm_utils import similarity, smoothness, warping
from monodepth2.src.sfm_utils.decoder_conv import DecoderConv
from monodepth2.src.sfm_utils.sampling import Sampler

ms.set_context(mode=ms.GRAPH_MODE)
ms.set_device("CPU")


class PhotometricLoss(nn.Cell):
    """Of four scales, brought to full size, and two sources."""

    def __init__(self, intrinsics, inverse, height, width):
        super().__init__()
        self.size = height, width
        self.intrinsics, self.inverse = ms.Tensor(intrinsics), ms.Tensor(inverse)
        self.resize = Resize("half_pixel")
        self.reprojection = similarity.Similarity("reflect")
        self.smoothness = smoothness.Smoothness()
        self.warp = warping.InverseWarp(warping.MONODEPTH2_GUARD, "border")

    def construct(self, d0, d1, d2, d3, pose0, pose1, p0, p1, p2, p3, source0, source1, noise):
        """Four disparities, two poses, four sizes of the target, two sources, noise: a scalar."""
        smooth, depths = 0, ()
        for scale, (disparity, image) in enumerate(zip((d0, d1, d2, d3), (p0, p1, p2, p3))):
            full = self.resize(disparity, *self.size) if scale else disparity
            depths = (*depths, 1 / (0.01 + 9.99 * full))
            normalized = smoothness.normalized(disparity)
            smooth = smooth + 1e-3 / 2**scale * self.smoothness(normalized, image)
        depths = ops.concat(depths)
        still0, still1 = self.reprojection(p0, source0), self.reprojection(p0, source1)
        noise0, noise1 = ops.split(noise, 1, 1)
        least = ops.minimum(still0 + noise0, still1 + noise1)
        least = ops.tile(ops.stop_gradient(least), (4, 1, 1, 1))
        for pose, source in ((pose0, source0), (pose1, source1)):
            warped = self.warp(source, depths, self.intrinsics, self.inverse, pose)
            least = similarity.smaller(least, self.reprojection(p0, warped))
        return least.mean() + smooth / 4


class Sampling(nn.Cell):
    """Bilinear values at places in pixels, the border repeated."""

    def __init__(self):
        super().__init__()
        self.sampler = Sampler("border")

    def construct(self, x, y, image):
        """(B, h, w) twice, (B, C, H, W) -> (B, C, h, w)."""
        return self.sampler(image, x, y)


class DecoderBlock(nn.Cell):
    """A small map doubled beside features, reflection, 3x3, ELU."""

    def __init__(self, small, features, out):
        super().__init__()
        self.conv = DecoderConv(small, features, out, "reflect")

    def construct(self, small, features):
        """(B, small, h, w), (B, features, 2h, 2w) -> (B, out, 2h, 2w)."""
        return ops.elu(self.conv(small, features))


class LastDecoderBlock(DecoderBlock):
    """Without features."""

    def construct(self, small):
        """(B, small, h, w) -> (B, out, 2h, 2w)."""
        return ops.elu(self.conv(small, None))


def stem():
    """The first layers of a ResNet."""
    conv = nn.Conv2d(3, 64, 7, 2, "pad", 3)
    pool = nn.MaxPool2d(3, 2, "pad", padding=1)
    return nn.SequentialCell(conv, nn.BatchNorm2d(64), nn.ReLU(), pool)


class ResidualBlock(nn.Cell):
    """Two 3x3 convolutions of a ResNet-18, the first with stride 2 where the channels double."""

    def __init__(self, channels, out):
        super().__init__()
        stride = out // channels
        self.conv1 = Conv(channels, out, 3, "HeUniform", stride=stride)
        self.conv2 = Conv(out, out, 3, "HeUniform")
        self.bn1, self.bn2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        self.down = nn.SequentialCell()
        if stride > 1:
            conv = nn.Conv2d(channels, out, 1, stride)
            self.down = nn.SequentialCell(conv, nn.BatchNorm2d(out))
        self.relu = nn.ReLU()

    def construct(self, x):
        """(B, channels, h, w) -> (B, out, h / stride, w / stride)."""
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.down(x))


def step_of(net, arrays, learned, weights):
    """A function: gradients of sum(weights * net(*arrays)), compiled.

    Args:
        learned: how many of the first arrays get a gradient, besides all parameters.
    """
    parameters = ms.ParameterTuple(net.set_train().trainable_params())
    weights, arguments = ms.Tensor(weights), [ms.Tensor(array) for array in arrays]
    backward = ops.GradOperation(
        get_all=learned > 0, get_by_list=len(parameters) > 0, sens_param=True
    )
    count, one = ms.Parameter(ms.Tensor(0, ms.int32), requires_grad=False), ms.Tensor(1, ms.int32)

    @ms.jit
    def compiled(*arguments):
        gradients_of = backward(net, parameters) if len(parameters) else backward(net)
        results = net(*arguments), gradients_of(*arguments, weights)
        return ops.depend(ops.assign_add(count, one), results)

    # Waiting for a value that is there before the end keeps a core busy: the count comes last.
    return lambda: compiled(*arguments).asnumpy()
