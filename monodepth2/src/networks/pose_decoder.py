"""The decoder of camera motion from the features of a ResNet encoder."""

from mindspore import nn, ops

from ..model_utils.convolutions import Conv

POSE_SCALE = 0.01  # of all outputs: poses start small


def pose_conv(in_channels, out_channels, kernel_size, stride=1):
    """A convolution with bias and a zero border, as both pose networks have them."""
    return Conv(in_channels, out_channels, kernel_size, "HeUniform", "zeros", stride)


def pose_vectors(maps):
    """Mean over a map: (B, 6 n, h, w) -> axis-angle (B, n, 3), translation (B, n, 3)."""
    batch, channels = maps.shape[:2]
    vectors = POSE_SCALE * maps.mean(3).mean(2).reshape(batch, channels // 6, 6)
    return vectors[:, :, :3], vectors[:, :, 3:]


class PoseDecoder(nn.Cell):
    """Poses from one feature map of stacked images, or from those of several images.

    Args:
        num_ch_enc (list of int): channels of the encoder's five maps.
        num_input_features (int): how many images' last maps it gets.
        num_frames_to_predict_for (int): poses that it gives; one less than its inputs by default.
    """

    def __init__(self, num_ch_enc, num_input_features, num_frames_to_predict_for=None):
        super().__init__()
        count = num_frames_to_predict_for or num_input_features - 1
        squeeze = pose_conv(num_ch_enc[-1], 256, 1)
        first, second = pose_conv(256 * num_input_features, 256, 3), pose_conv(256, 256, 3)
        self.net = nn.CellList([squeeze, first, second, pose_conv(256, 6 * count, 1)])
        self.relu = nn.ReLU()

    def construct(self, last_features):
        """A tuple of (B, C, h, w) -> axis-angle (B, n, 3), translation (B, n, 3)."""
        squeezed = ()
        for features in last_features:
            squeezed += (self.relu(self.net[0](features)),)
        x = ops.concat(squeezed, 1) if len(squeezed) > 1 else squeezed[0]
        x = self.relu(self.net[2](self.relu(self.net[1](x))))
        return pose_vectors(self.net[3](x))
