"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

From depth to places on CPU: numpy, one image at a time, through ops.Custom (see similarity_cpu).
"""

from __future__ import annotations

import numpy as np
from mindspore import nn, ops

from .similarity_cpu import POOL


class CpuProjection(nn.Cell):
    """Where a moved camera sees what the pixels of an image see; see warping.Projection.

    Args:
        guard: added to Z before the division.
    """

    def __init__(self, guard: float):
        super().__init__()
        self.guard = np.float32(guard)
        self.forward = ops.Custom(self._places, _places_shape, _type, "pyfunc")
        self.backward = ops.Custom(self._gradients, _gradients_shape, _types, "pyfunc")

    def construct(self, depth, projection, inverse_intrinsics):
        """(B, 1, H, W), (B, 3, 4) that projects points, (B, 3, 3) -> (B, 2, H, W), x and y."""
        return self.forward(depth, projection, inverse_intrinsics)

    def bprop(self, depth, projection, inverse_intrinsics, out, dout):
        of_depth, of_projection = self.backward(depth, projection, inverse_intrinsics, dout)
        return of_depth, of_projection, ops.zeros_like(inverse_intrinsics)

    def _places(self, depth, projection, inverse_intrinsics):
        places = np.empty((len(depth), 2, *depth.shape[2:]), np.float32)

        def fill(index):
            view = _View(depth[index, 0], projection[index], inverse_intrinsics[index], self.guard)
            np.multiply(view.points[0], view.inverse_z, out=places[index, 0])
            np.multiply(view.points[1], view.inverse_z, out=places[index, 1])

        list(POOL.map(fill, range(len(depth))))
        return places

    def _gradients(self, depth, projection, inverse_intrinsics, dout):
        of_depth, of_projection = np.empty_like(depth), np.empty_like(projection)

        def fill(index):
            view = _View(depth[index, 0], projection[index], inverse_intrinsics[index], self.guard)
            of_projection[index] = view.gradients(dout[index], of_depth[index, 0])

        list(POOL.map(fill, range(len(depth))))
        return of_depth, of_projection


class _View:
    """The rays of an image's pixels as the moved camera sees them, and the points on them."""

    def __init__(self, depth, projection, inverse_intrinsics, guard):
        self.depth, self.inverse_intrinsics = depth, inverse_intrinsics
        self.x, self.y = (np.arange(size, dtype=np.float32) for size in depth.shape[::-1])
        self.rays, self.points = [], []
        directions = (projection[:, :3].astype(np.float64) @ inverse_intrinsics).astype(np.float32)
        for (of_x, of_y, constant), shift in zip(directions, projection[:, 3]):
            self.rays.append(np.add.outer(of_y * self.y + constant, of_x * self.x))
            self.points.append(self.rays[-1] * depth)
            self.points[-1] += shift
        self.points[2] += guard
        self.inverse_z = np.divide(np.float32(1), self.points[2], out=self.points[2])

    def gradients(self, dout, of_depth):
        """Write the gradient of depth, return that of the projection (3, 4)."""
        of_points = [dout[axis] * self.inverse_z for axis in (0, 1)]
        of_z = [of * point for of, point in zip(of_points, self.points)]
        of_z[0] += of_z[1]
        of_z[0] *= self.inverse_z
        of_points.append(np.negative(of_z[0], out=of_z[0]))
        of_depth[...] = 0
        columns = np.stack((self.x, np.ones_like(self.x)), 1)
        of_projection = np.empty((3, 4))
        for row, of_point, ray in zip(of_projection, of_points, self.rays):
            row[3] = (of_point @ columns[:, 1]).sum(dtype=np.float64)
            ray *= of_point
            of_depth += ray
            of_point *= self.depth
            sums = (of_point @ columns).astype(np.float64)
            pixel = sums[:, 0].sum(), self.y @ sums[:, 1], sums[:, 1].sum()
            row[:3] = self.inverse_intrinsics @ pixel
        return of_projection


def _places_shape(depth, projection, inverse_intrinsics):
    batch, _, height, width = depth
    return batch, 2, height, width


def _gradients_shape(depth, projection, inverse_intrinsics, dout):
    return depth, projection


def _type(*types):
    return types[0]


def _types(*types):
    return types[:2]
