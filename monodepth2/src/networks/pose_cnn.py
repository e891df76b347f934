"""The pose network of Zhou et al. (CVPR 2017), as Monodepth2 keeps it for comparison."""

from mindspore import nn

from .pose_decoder import pose_conv, pose_vectors

_CHANNELS = (16, 32, 64, 128, 256, 256, 256)
_KERNELS = (7, 5, 3, 3, 3, 3, 3)


class PoseCNN(nn.Cell):
    """Poses of stacked images.

    Args:
        num_input_frames (int): images; one pose less comes out.
    """

    def __init__(self, num_input_frames):
        super().__init__()
        cells, below = [], 3 * num_input_frames
        for channels, kernel_size in zip(_CHANNELS, _KERNELS):
            cells.append(pose_conv(below, channels, kernel_size, 2))
            below = channels
        self.net = nn.CellList(cells)
        self.pose_conv = pose_conv(below, 6 * (num_input_frames - 1), 1)
        self.relu = nn.ReLU()

    def construct(self, images):
        """(B, 3 n, H, W), RGB 0..1 -> axis-angle (B, n - 1, 3), translation (B, n - 1, 3)."""
        for conv in self.net:
            images = self.relu(conv(images))
        return pose_vectors(self.pose_conv(images))
