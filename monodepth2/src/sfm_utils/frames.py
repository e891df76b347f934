"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Maps of doubled size, and the frames that maps get before a convolution.
"""

from __future__ import annotations

import math

import mindspore as ms
from mindspore import nn, ops
from mindspore.ops import constexpr

from ..model_utils.cpu_forms import CpuForm

# Maps with fewer numbers, of all images together, keep MindSpore's own gradient: ours takes longer
# to compile than it saves.
_LARGE = 1 << 19


class Double(CpuForm):
    """Each pixel twice in both directions."""

    def construct(self, x):
        """(B, C, h, w) -> (B, C, 2h, 2w)."""
        batch, channels, height, width = x.shape
        if not self.cpu_form:
            # MindSpore Lite turns the map to another layout and back around tiles.
            return ops.ResizeNearestNeighbor((2 * height, 2 * width))(x)
        pixels = x.reshape(-1, 1)
        rows = ops.concat((pixels, pixels), 1).reshape(-1, 2 * width)
        return ops.concat((rows, rows), 1).reshape(batch, channels, 2 * height, 2 * width)


class Frame(nn.Cell):
    """A frame of one pixel, and zeros to the right and below up to a multiple of a size.

    Args:
        inner: the pixel, counted from the border, that the frame repeats: 0 is the outermost one, 1
            mirrors about it and needs two pixels in both directions.
        is_reflect: False makes the frame zero.
        multiple: h and w, without the frame, grow to multiples of it.
    """

    def __init__(self, inner: int, is_reflect: bool, multiple: int = 1):
        super().__init__()
        self.inner, self.is_reflect, self.multiple = inner, is_reflect, multiple
        self.of_large_map = _FrameWithGradient(inner, is_reflect, multiple)

    def construct(self, x):
        """(B, C, h, w) -> (B, C, h' + 2, w' + 2)."""
        if is_large(x.shape):
            return self.of_large_map(x)
        return framed(x, self.inner, self.is_reflect, self.multiple)


class _FrameWithGradient(nn.Cell):
    """A frame whose gradient is put together from parts of the map.

    MindSpore's own gradient adds up a whole map for each side of the frame. For two samples of 64
    channels at 96x320 it takes 15 ms, this one 6; for a frame of zeros 20 and 2.
    """

    def __init__(self, inner, is_reflect, multiple):
        super().__init__()
        self.inner, self.is_reflect, self.multiple = inner, is_reflect, multiple

    def construct(self, x):
        return framed(x, self.inner, self.is_reflect, self.multiple)

    def bprop(self, x, out, dout):
        if not self.is_reflect:
            return (ops.Slice()(dout, (0, 0, 1, 1), x.shape),)
        return (_folded(_folded(dout, self.inner, 2, x.shape[2]), self.inner, 3, x.shape[3]),)


def framed(x: ms.Tensor, inner: int, is_reflect: bool, multiple: int = 1) -> ms.Tensor:
    """What `Frame` makes of a map."""
    return _framed(_framed(x, inner, is_reflect, multiple, 2), inner, is_reflect, multiple, 3)


def _framed(x, inner, is_reflect, multiple, axis):
    size = x.shape[axis]
    first, last = _part(x, axis, inner, 1), _part(x, axis, size - 1 - inner, 1)
    if not is_reflect:
        first, last = ops.zeros_like(first), ops.zeros_like(last)
    parts = (first, x, last)
    for _ in range(-size % multiple):
        parts += (ops.zeros_like(last),)
    return ops.concat(parts, axis)


def _folded(x, inner, axis, size):
    """Both sides of a frame added to the pixels that they repeat."""
    first, last = _part(x, axis, 0, 1), _part(x, axis, size + 1, 1)
    if size < 2 * inner + 2:  # a pixel that both sides repeat, or the first beyond the last
        parts = ()
        for place in range(size):
            part = _part(x, axis, 1 + place, 1)
            if place == inner:
                part = part + first
            if place == size - 1 - inner:
                part = part + last
            parts += (part,)
        return ops.concat(parts, axis)
    parts = ()
    if inner:
        parts += (_part(x, axis, 1, 1),)
    parts += (_part(x, axis, 1 + inner, 1) + first,)
    if size > 2 * inner + 2:
        parts += (_part(x, axis, 2 + inner, size - 2 * inner - 2),)
    parts += (_part(x, axis, size - inner, 1) + last,)
    if inner:
        parts += (_part(x, axis, size, 1),)
    return ops.concat(parts, axis)


def _part(x, axis, start, count):
    """The pixels from `start` on along an axis."""
    begin, size = _window(x.shape, axis, start, count)
    # MindSpore Lite turns the map to another layout and back for slices of Python's.
    return ops.Slice()(x, begin, size)


@constexpr
def is_large(shape: tuple[int, ...]) -> bool:
    """Whether a map's frame gets a gradient of its own."""
    return math.prod(shape) >= _LARGE


@constexpr
def _window(shape, axis, start, count):
    """Where a part of a map begins, and its shape."""
    begin, size = [0] * len(shape), list(shape)
    begin[axis], size[axis] = start, count
    return tuple(begin), tuple(size)
