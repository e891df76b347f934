"""DepthNet's convolutions in forms that are faster on CPU than MindSpore's, with max-pooling.

MindSpore convolves by im2col and a matrix product, and pools in a reference kernel. Here:

* 3x3 and 5x5 kernels go by Winograd's minimal filtering (Lavin and Gray 2016) with tiles of 4x4
  outputs: 36 (64) products where the definition takes 144 (400). An output place of all tiles is a
  row, so that the largest of each 2x2 is a maximum of rows.
* For few input channels pooling is the largest of four convolutions, one for each place in a 2x2,
  with twice the stride: the full map never exists.
* For one output channel a transposed convolution with the turned kernel needs no im2col.

In exported graphs a kernel of few input channels gets a column of zeros: MindSpore Lite takes a
square one of stride 1 by Winograd's way, which lasts three times as long here.

`python -m tests.benchmarks.bench_depthnet` times them.
"""

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.ops import constexpr

from .model_utils.cpu_forms import TILE, CpuForm, TurnedConv, turned

# With fewer tiles or output channels Winograd's transforms cost more than they save.
_LEAST_TILES = 40
_LEAST_CHANNELS = 64
# With more of them a batch is convolved in parts.
_MOST_TILES = 2200
_POINTS = (0, 1, -1, 2, -2, 0.5, -0.5)


class FastConv(nn.Conv2d, CpuForm):
    """nn.Conv2d, and 2x2 max-pooling where asked for; on CPU in the fastest form of those above.

    Args:
        in_channels, out_channels, kernel_size, options: see nn.Conv2d; odd kernels.
        pools (bool): return the largest of each 2x2 outputs.
    """

    def __init__(self, in_channels, out_channels, kernel_size, *, pools=False, **options):
        super().__init__(in_channels, out_channels, kernel_size, **options)
        self.pools, self.pool = pools, nn.MaxPool2d(kernel_size=2, stride=2)
        side = {"same": (kernel_size - 1) // 2, "valid": 0}.get(self.pad_mode)
        self.borders = self.padding if side is None else (side,) * 4
        has_stride = self.stride != (1, 1)
        self.is_winograd = (
            kernel_size in (3, 5) and out_channels >= _LEAST_CHANNELS and not has_stride
        )
        self.has_one_output = out_channels == 1 and not pools and not has_stride
        # A border that is too narrow would have to begin inside of the map.
        self.has_few_inputs = in_channels <= 4 and min(self.borders) >= 2 * self.stride[0]
        if self.is_winograd:
            self.winograd = WinogradRows(kernel_size, self.borders, pools)
        self.largest, self.split = Largest(), ops.Split(0, TILE)
        self.turned = TurnedConv(kernel_size, self.borders)
        self.widens = self.has_few_inputs and not has_stride
        if self.widens:
            top, bottom, left, right = self.borders
            kernel, border = (kernel_size, kernel_size + 1), (top, bottom, left, right + 1)
            self.widened = ops.Conv2D(out_channels, kernel, pad_mode="pad", pad=border)

    def construct(self, x):
        """(B, in, h, w) -> (B, out, h', w')."""
        return self._fast(x) if self.cpu_form and x.dtype == ms.float32 else self._plain(x)

    def _plain(self, x):
        if self.is_exported and self.widens:
            out_channels, in_channels, rows, _ = self.weight.shape
            column = ops.zeros((out_channels, in_channels, rows, 1), dtype=x.dtype)
            y = self.widened(x, ops.concat((self.weight, column), 3))
        else:
            y = self.conv2d(x, self.weight)
        y = self._biased(y)  # before pooling, so that devices can join it with the convolution
        return self.pool(y) if self.pools else y

    def _biased(self, y):
        return self.bias_add(y, self.bias) if self.has_bias else y

    def _fast(self, x):
        if self.is_winograd and self.winograd.count(x.shape) >= _LEAST_TILES:
            return self._biased(self._in_parts(x))
        if self.pools and self.has_few_inputs:
            return self._biased(self._by_offsets(x))
        return self._biased(self._transposed(x)) if self.has_one_output else self._plain(x)

    def _in_parts(self, x):
        """A few images at a time, as tiles take several times the memory of the map."""
        batch = x.shape[0]
        images = max(1, _MOST_TILES * batch // self.winograd.count(x.shape))
        # Not as a conditional expression: MindSpore 2.7 has no gradient for it.
        if images >= batch:
            return self._by_tiles(x)
        y = (self._by_tiles(x[:images]),)
        for start in range(images, batch, images):
            y += (self._by_tiles(ops.depend(x[start : start + images], y[-1])),)
        return ops.concat(y, 0)

    def _by_tiles(self, x):
        rows = self.winograd(x, self.weight)
        side = TILE
        if self.pools:
            rows, side = self.largest(*self.split(rows)), TILE // 2
        down, across = self.winograd.tiled(x.shape)
        y = rows.reshape(side, side, self.out_channels, x.shape[0], down, across)
        y = y.permute(3, 2, 4, 0, 5, 1)
        y = y.reshape(x.shape[0], self.out_channels, side * down, side * across)
        height, width = self._size(x)
        if self.pools:
            height, width = height // 2, width // 2
        return y if y.shape[2:] == (height, width) else y[:, :, :height, :width]

    def _size(self, x):
        """Height and width of the convolved map."""
        top, bottom, left, right = self.borders
        height = (x.shape[2] + top + bottom - self.kernel_size[0]) // self.stride[0] + 1
        return height, (x.shape[3] + left + right - self.kernel_size[1]) // self.stride[1] + 1

    def _by_offsets(self, x):
        step, places = self.stride[0], ()
        for row in (0, step):
            for column in (0, step):
                starts = (self.borders[0] - row, self.borders[2] - column)
                places += (self._every_second(x, starts),)
        return self.largest(*places)

    def _every_second(self, x, starts):
        """Every second output in both directions, of a map that begins with borders `starts`."""
        border, step = (), 2 * self.stride[0]
        for axis in (0, 1):
            length = step * (self._size(x)[axis] // 2 - 1) + self.kernel_size[axis]
            border += (starts[axis], length - x.shape[2 + axis] - starts[axis])
        conv = ops.Conv2D(
            self.out_channels, self.kernel_size, stride=step, pad_mode="pad", pad=border
        )
        return conv(x, self.weight)

    def _transposed(self, x):
        return self.turned(x, self.weight)


class WinogradRows(nn.Cell):
    """Convolution, stride 1, up to rounding: about 1e-5 of the largest output.

    Args:
        kernel_size (int): 3 or 5.
        borders: zeros above, below, left and right.
        pools (bool): sort the rows by place in a 2x2 before its place in the tile.
    """

    def __init__(self, kernel_size, borders, pools):
        super().__init__()
        self.kernel_size, self.borders = kernel_size, borders
        self.window = window = TILE + kernel_size - 1
        self.numbers = window**2
        image, kernel, output = _transforms(kernel_size)
        self.down = ms.Tensor(image.reshape(window, 1, window, 1).astype(np.float32))
        self.across = self.down.reshape(window, 1, 1, window)
        self.kernel = ms.Tensor(np.kron(kernel, kernel).astype(np.float32))
        output = np.kron(output, output)
        if pools:
            output = output.reshape(2, 2, 2, 2, -1).transpose(1, 3, 0, 2, 4).reshape(TILE**2, -1)
        self.output = ms.Tensor(output.astype(np.float32))
        self.product = ops.MatMul()
        self.product_a = ops.MatMul(transpose_a=True)
        self.product_b = ops.MatMul(transpose_b=True)
        self.products = ops.BatchMatMul()
        self.products_a = ops.BatchMatMul(transpose_a=True)
        self.products_b = ops.BatchMatMul(transpose_b=True)

    def construct(self, x, weight):
        """(B, in, h, w), (out, in, k, k) -> (16, out B tiles): a row for each place in a tile."""
        # Delay building the kernels until the image is there: all at once they take much memory.
        y = self.products(self._kernels(ops.depend(weight, x)), self._cut(x))
        return self.product(self.output, y.reshape(self.numbers, -1))

    def bprop(self, x, weight, out, dout):
        """Gradients of x and weight, each transform by its adjoint."""
        of_products = self.product_a(self.output, dout)
        of_products = of_products.reshape(self.numbers, weight.shape[0], -1)
        # The cut tiles again, rather than kept: they are up to four times as large as x.
        of_kernels = self.products_b(of_products, self._cut(ops.depend(x, dout)))
        of_kernels = of_kernels.reshape(self.numbers, -1)
        of_weight = self.product_a(of_kernels, self.kernel).reshape(weight.shape)
        of_tiles = self.products_a(self._kernels(ops.depend(weight, dout)), of_products)
        return self._uncut(of_tiles, x.shape), of_weight

    def tiled(self, shape):
        """Tiles down and across a map (B, in, h, w)."""
        return _tiled(shape, self.kernel_size, self.borders)

    def count(self, shape):
        """Tiles of all images."""
        down, across = self.tiled(shape)
        return shape[0] * down * across

    def _kernels(self, weight):
        """(out, in, k, k) -> (numbers, out, in)."""
        numbers = self.product_b(self.kernel, weight.reshape(-1, self.kernel_size**2))
        return numbers.reshape(self.numbers, *weight.shape[:2])

    def _cut(self, x):
        """(B, C, h, w) -> (numbers, C, B tiles)."""
        batch, channels, height, width = x.shape
        down, across = self._passes(x.shape)
        rows = ops.Conv2D(**down)(x.reshape(batch * channels, 1, height, width), self.down)
        tiles = ops.Conv2D(**across)(rows.reshape(-1, 1, rows.shape[2], width), self.across)
        return turned(tiles, batch, channels, self.numbers).reshape(self.numbers, channels, -1)

    def _uncut(self, tiles, shape):
        """The adjoint of `_cut`."""
        batch, channels, height, width = shape
        down, across = self._passes(shape)
        rows, columns = self.tiled(shape)
        tiles = turned(tiles, self.numbers, channels, batch)
        tiles = tiles.reshape(-1, self.window, rows, columns)
        size = (batch * channels * self.window, 1, rows, width)
        tiles = ops.Conv2DTranspose(**across)(tiles, self.across, size)
        tiles = tiles.reshape(-1, self.window, rows, width)
        size = (batch * channels, 1, height, width)
        return ops.Conv2DTranspose(**down)(tiles, self.down, size).reshape(shape)

    def _passes(self, shape):
        """Options of the two convolutions that cut a map: down, and across."""
        below, right = _beyond(shape, self.tiled(shape), self.kernel_size, self.borders)
        top, left = self.borders[0], self.borders[2]
        common = {"out_channel": self.window, "pad_mode": "pad"}
        down = {"kernel_size": (self.window, 1), "stride": (TILE, 1), "pad": (top, below, 0, 0)}
        across = {"kernel_size": (1, self.window), "stride": (1, TILE), "pad": (0, 0, left, right)}
        return {**common, **down}, {**common, **across}


class Largest(nn.Cell):
    """The largest of four arrays; MindSpore's own gradients of maxima take longer."""

    def __init__(self):
        super().__init__()
        self.maximum, self.at_least, self.cast = ops.Maximum(), ops.GreaterEqual(), ops.Cast()

    def construct(self, a, b, c, d):
        """Four arrays of one shape -> one."""
        return self.maximum(self.maximum(a, b), self.maximum(c, d))

    def bprop(self, a, b, c, d, out, dout):
        """Gradients of each; that of equal ones goes to the first."""
        # By products: a selection takes 1.6 times as long.
        of_first = dout * self.cast(self.at_least(self.maximum(a, b), out), dout.dtype)
        of_last = dout - of_first
        of_a = of_first * self.cast(self.at_least(a, b), dout.dtype)
        of_c = of_last * self.cast(self.at_least(c, d), dout.dtype)
        return of_a, of_first - of_a, of_c, of_last - of_c


def _transforms(kernel_size):
    """Of the image, the kernel and the output, in one direction.

    A polynomial product by its values at some points and at infinity, transposed: section 4 of the
    paper. Each point's row is multiplied so that that of the image is of simple numbers.
    """
    points = _POINTS[: TILE + kernel_size - 2]
    scale = [np.prod([p - q for q in points if q != p]) for p in points]
    scale = np.array([*scale, 1])[:, None]
    image = np.linalg.inv(_values(points, len(points) + 1)).T * scale
    return image, _values(points, kernel_size) / scale, _values(points, TILE).T


def _values(points, count):
    """What each of `count` coefficients adds to a polynomial's values at the points."""
    return np.vstack([np.vander(points, count, increasing=True), np.eye(count)[-1]])


# By constexpr: as operators of a graph, sums of sizes take long to compile.
@constexpr
def _tiled(shape, kernel_size, borders):
    height = shape[2] + borders[0] + borders[1] - kernel_size + 1
    width = shape[3] + borders[2] + borders[3] - kernel_size + 1
    return -(-height // TILE), -(-width // TILE)


@constexpr
def _beyond(shape, tiles, kernel_size, borders):
    """Zeros below and to the right that fill the last tiles."""
    below = TILE * tiles[0] + kernel_size - 1 - shape[2] - borders[0]
    return below, TILE * tiles[1] + kernel_size - 1 - shape[3] - borders[2]
