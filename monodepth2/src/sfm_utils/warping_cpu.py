"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Inverse warping on CPU; see planes_cpu. The gradient recomputes the places and their cells.
"""

from __future__ import annotations

import numpy as np
from mindspore import nn, ops

from .planes_cpu import Scratch, first_of, for_images
from .sampling_cpu import Cells


class CpuInverseWarp(nn.Cell):
    """See `warping.InverseWarp`.

    Args:
        guard: added to Z before the division.
        is_border: see `sampling.Sampler`.
        is_half_pixel: see `sampling.half_pixel_places`.
    """

    def __init__(self, guard: float, is_border: bool, is_half_pixel: bool):
        super().__init__()
        self.guard = np.float32(guard)
        self.is_border, self.is_half_pixel = is_border, is_half_pixel
        self.forward = ops.Custom(self._values, _values_shape, first_of, "pyfunc")
        self.backward = ops.Custom(self._gradients, _gradients_of, _gradients_of, "pyfunc")

    def construct(self, image, depth, projection, inverse_intrinsics):
        """(B, C, H, W), (K B, 1, h, w), (B, 3, 4) that projects, (B, 3, 3) -> (K B, C, h, w)."""
        return self.forward(image, depth, projection, inverse_intrinsics)

    def bprop(self, image, depth, projection, inverse_intrinsics, out, dout):
        of_depth, of_projection = self.backward(image, depth, projection, inverse_intrinsics, dout)
        return ops.zeros_like(image), of_depth, of_projection, ops.zeros_like(inverse_intrinsics)

    def _values(self, image, depth, projection, inverse_intrinsics):
        values = np.empty((len(depth), image.shape[1], *depth.shape[2:]), np.float32)

        def fill(part, within):
            scratch = Scratch()
            view = View(depth[part, 0], projection[within], inverse_intrinsics[within], scratch)
            places, _ = self._places(view, image.shape)
            cells = Cells(*places, image.shape[2:], self.is_border, scratch)
            cells.sample(image[within], values[part])

        for_images(fill, depth.shape, len(image))
        return values

    def _gradients(self, image, depth, projection, inverse_intrinsics, dout):
        of_depth = np.empty_like(depth)
        of_projection = np.empty((len(depth), 3, 4), np.float32)

        def fill(part, within):
            scratch = Scratch()
            view = View(depth[part, 0], projection[within], inverse_intrinsics[within], scratch)
            places, scales = self._places(view, image.shape)
            slopes = [scratch.new(place.shape) for place in places]
            cells = Cells(*places, image.shape[2:], self.is_border, scratch)
            cells.gradients(image[within], dout[part], *slopes)
            for slope, scale in zip(slopes, scales):
                slope *= scale
            view.gradients(slopes, of_depth[part, 0], of_projection[part])

        for_images(fill, depth.shape, len(image))
        return of_depth, of_projection.reshape(-1, *projection.shape).sum(0)

    def _places(self, view, shape):
        """x and y in images of a shape, and how far they move for each pixel that the view's do."""
        places = view.places(self.guard)
        if not self.is_half_pixel:
            return places, np.ones(2, np.float32)
        scales = [np.float32(size / (size - 1)) for size in shape[:1:-1]]
        for place, scale in zip(places, scales):
            place *= scale
            place -= np.float32(0.5)
        return places, scales


class View:
    """The rays of N images' pixels as the moved camera sees them: three planes (N, h, w).

    Args:
        depth: (N, h, w).
        projection: (N, 3, 4).
        inverse_intrinsics: (N, 3, 3).
        scratch: holds what is kept here.
    """

    def __init__(
        self,
        depth: np.ndarray,
        projection: np.ndarray,
        inverse_intrinsics: np.ndarray,
        scratch: Scratch,
    ):
        self.depth, self.projection, self.inverse_intrinsics = depth, projection, inverse_intrinsics
        self.scratch = scratch
        self.x, self.y = (np.arange(size, dtype=np.float32) for size in depth.shape[:0:-1])
        self.rays, self.points = ([scratch.new(depth.shape) for _ in range(3)] for _ in "rp")

    def places(self, guard: np.float32) -> list[np.ndarray]:
        """x and y, (N, h, w) each.

        Args:
            guard: added to Z before the division.
        """
        directions = self.projection[:, :, :3].astype(np.float64) @ self.inverse_intrinsics
        for axis, (ray, point) in enumerate(zip(self.rays, self.points)):
            of_x, of_y, constant = directions[:, axis].astype(np.float32).T[:, :, None]
            np.add((of_y * self.y + constant)[:, :, None], (of_x * self.x)[:, None], out=ray)
            np.multiply(ray, self.depth, out=point)
            point += self.projection[:, axis, 3, None, None]
        self.points[2] += guard
        self.inverse_z = np.divide(np.float32(1), self.points[2], out=self.points[2])
        places = [self.scratch.new(self.depth.shape) for _ in range(2)]
        for point, place in zip(self.points, places):
            np.multiply(point, self.inverse_z, out=place)
        return places

    def gradients(
        self, of_places: list[np.ndarray], of_depth: np.ndarray, of_projection: np.ndarray
    ) -> None:
        """Write the gradients of depth (N, h, w) and projection (N, 3, 4), given those of places.

        What was given is overwritten.
        """
        of_z, work = (self.scratch.new(self.depth.shape) for _ in range(2))
        for of_place in of_places:
            of_place *= self.inverse_z
        np.multiply(of_places[0], self.points[0], out=of_z)
        of_z += np.multiply(of_places[1], self.points[1], out=work)
        of_z *= self.inverse_z
        np.negative(of_z, out=of_z)
        of_depth[...] = 0
        for axis, (of_point, ray) in enumerate(zip((*of_places, of_z), self.rays)):
            of_projection[:, axis, 3] = of_point.sum(2).sum(1)
            ray *= of_point
            of_depth += ray
            of_point *= self.depth
            columns, rows = of_point.sum(1), of_point.sum(2)
            of_pixel = np.stack((columns @ self.x, rows @ self.y, rows.sum(1)), 1)
            of_projection[:, axis, :3] = np.einsum("nij,nj->ni", self.inverse_intrinsics, of_pixel)


def _values_shape(image, depth, projection, inverse_intrinsics):
    return (depth[0], image[1], *depth[2:])


def _gradients_of(image, depth, projection, inverse_intrinsics, dout):
    return depth, projection
