"""The decoder of disparity, with skip connections from a ResNet encoder (paper, section 4)."""

from mindspore import nn

from ..sfm_utils.decoder_conv import DecoderConv

_CHANNELS = (16, 32, 64, 128, 256)  # of the levels 0 (full size) to 4


class _Conv(nn.Cell):
    """A 3x3 convolution with reflected borders, under the name that checkpoints have for it."""

    def __init__(self, small_channels, channels, out_channels):
        super().__init__()
        self.conv = DecoderConv(small_channels, channels, out_channels, "reflect")

    def construct(self, small, features):
        """See `DecoderConv`."""
        return self.conv(small, features)


class DepthDecoder(nn.Cell):
    """Disparities, or masks, at several scales.

    Cells are numbered as in the published checkpoints: two convolutions for each level from 4 to 0,
    then the outputs of the scales in their order.

    Args:
        num_ch_enc (list of int): channels of the encoder's five maps.
        scales (sequence of int): scales of the outputs, of 0..3.
        num_output_channels (int): channels of each output.
    """

    def __init__(self, num_ch_enc, scales=(0, 1, 2, 3), num_output_channels=1):
        super().__init__()
        self.scales = tuple(scales)
        cells, below = [], num_ch_enc[-1]
        for level in range(4, -1, -1):
            channels, skip = _CHANNELS[level], num_ch_enc[level - 1] if level else 0
            cells += [_Conv(0, below, channels), _Conv(channels, skip, channels)]
            below = channels
        cells += [_Conv(0, _CHANNELS[scale], num_output_channels) for scale in self.scales]
        self.decoder = nn.CellList(cells)
        self.elu = nn.ELU()
        self.sigmoid = nn.Sigmoid()

    def construct(self, features):
        """Five maps of an encoder -> a tuple of (B, C, H / 2^s, W / 2^s), 0..1, one per scale."""
        x, levels = features[4], ()
        for number in range(5):
            x = self.elu(self.decoder[2 * number](None, x))
            skip = features[3 - number] if number < 4 else None
            x = self.elu(self.decoder[2 * number + 1](x, skip))
            levels += (x,)
        outputs = ()
        for place, scale in enumerate(self.scales):
            output = self.sigmoid(self.decoder[10 + place](None, levels[4 - scale]))
            outputs += (output,)
        return outputs


def disparity_to_depth(disparity, min_depth, max_depth):
    """A network's output as disparity between two limits, and its depth (paper, section 4).

    Args:
        disparity: 0..1, any shape.
        min_depth, max_depth (float): depth where it is 1 and 0.
    Returns:
        (scaled disparity 1 / max_depth .. 1 / min_depth, depth).
    """
    least, most = 1 / max_depth, 1 / min_depth
    scaled = least + (most - least) * disparity
    return scaled, 1 / scaled
