"""What the U-Nets of both encoders share: how two maps meet, and the decoder's four scales."""

from mindspore import nn, ops

from ..model_utils.resize import Resize
from .layers import ConvLayer, nearest_like


def up(in_channels, out_channels):
    """The convolution of a map of doubled size."""
    return ConvLayer(in_channels, out_channels, 3, doubles=True)


class UNet(nn.Cell):
    """Predictions at four scales; a subclass has the encoder and the decoder's first levels.

    Args:
        out_channels (int): of each prediction.
        finish (Cell): from a head's output to the prediction, which also enters the next scale.
    """

    def __init__(self, out_channels, finish):
        super().__init__()
        self.out_channels = out_channels
        self.finish, self.resize = finish, Resize("nearest")

    def add_scales(self, skip_channels):
        """Make the last four levels; after all others, as the order numbers the variables.

        Args:
            skip_channels: of the encoder's maps at 1/8, 1/4 and 1/2 of the size.
        """
        eighth, quarter, half = skip_channels
        more = self.out_channels
        self.upconv4, self.iconv4 = up(256, 128), ConvLayer(128 + eighth, 128, 3)
        self.head4 = self._head(128)
        self.upconv3, self.iconv3 = up(128, 64), ConvLayer(64 + quarter + more, 64, 3)
        self.head3 = self._head(64)
        self.upconv2, self.iconv2 = up(64, 32), ConvLayer(32 + half + more, 32, 3)
        self.head2 = self._head(32)
        self.upconv1, self.iconv1 = up(32, 16), ConvLayer(16 + more, 16, 3)
        self.head1 = self._head(16)

    def _head(self, in_channels):
        return ConvLayer(in_channels, self.out_channels, 3, is_head=True)

    def doubled(self, prediction):
        """A prediction at twice the size, by the rule of the encoder's original."""
        raise NotImplementedError

    def joined(self, y, skip):
        """A decoder's map at the size of an encoder's, and that map."""
        return ops.concat((nearest_like(self.resize, y, skip), skip), 1)

    def scales(self, y, eighth, quarter, half):
        """From a map at 1/16 of the size to four predictions (B, out_channels, H / 2^s, W / 2^s).

        Args:
            y: (B, 256, H / 16, W / 16).
            eighth, quarter, half: maps of the encoder.
        """
        y = self.iconv4(self.joined(self.upconv4(y), eighth))
        fourth = self.finish(self.head4(y))
        y = self.iconv3(ops.concat((self.upconv3(y), quarter, self.doubled(fourth)), 1))
        third = self.finish(self.head3(y))
        y = self.iconv2(ops.concat((self.upconv2(y), half, self.doubled(third)), 1))
        second = self.finish(self.head2(y))
        y = self.iconv1(ops.concat((self.upconv1(y), self.doubled(second)), 1))
        return self.finish(self.head1(y)), second, third, fourth
