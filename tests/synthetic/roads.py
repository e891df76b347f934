"""Roads that bend: a centre line of straights and arcs on flat ground.

A place on a road is (along, lateral): metres along the centre line, and metres to the right of it.
World axes point right (x), down (y) and forward (z); a heading of 0 looks along z, and positive
headings turn to the right, as yaw does in camera.pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.synthetic.camera import pose

STEP = 0.25  # metres between two points of the centre line
MAX_HEADING = 1.1  # radians from z: a road that never turns back does not meet itself


@dataclass(frozen=True)
class Road:
    """A centre line; beyond its ends it goes on straight.

    Attributes:
        along: (n,) metres, equally spaced.
        points: (n, 2) x and z, metres.
        heading: (n,) radians.
    """

    along: np.ndarray
    points: np.ndarray
    heading: np.ndarray

    def place(self, along, lateral=0.0):
        """Where a place on the road lies in the world.

        Args:
            along: metres along the centre line.
            lateral: metres to the right of it.

        Returns:
            (2,) x and z in metres, and the heading in radians.
        """
        inside = np.clip(along, self.along[0], self.along[-1])
        heading = np.interp(inside, self.along, self.heading)
        x, z = (np.interp(inside, self.along, axis) for axis in self.points.T)
        ahead, right = directions(heading)
        return np.array([x, z]) + ahead * (along - inside) + right * lateral, heading

    def pose(self, along, lateral=0.0, up=0.0, yaw=0.0, pitch=0.0, roll=0.0):
        """The pose of something that looks along the road.

        Args:
            along: metres along the centre line.
            lateral: metres to the right of it.
            up: metres above the ground.
            yaw: radians beside the road's heading.
            pitch: radians.
            roll: radians.

        Returns:
            (4, 4) float64 `world_from_object`.
        """
        (x, z), heading = self.place(along, lateral)
        return pose((x, -up, z), heading + yaw, pitch, roll)


def directions(heading):
    """Unit vectors ahead and to the right, as (x, z).

    Args:
        heading: radians.

    Returns:
        (2,) and (2,).
    """
    s, c = np.sin(heading), np.cos(heading)
    return np.array([s, c]), np.array([c, -s])


def winding_road(rng, start, end):
    """Draw a road of straights and bends.

    Args:
        rng: numpy Generator.
        start: metres along it where it begins; straight up to 4 m.
        end: metres where it ends.

    Returns:
        Road; the place (0, 0) is the world's origin, with a heading of 0.
    """
    along = np.arange(start, end + STEP, STEP)
    curvature = np.zeros_like(along)
    at, heading = 4.0, 0.0
    while at < end:
        goal = rng.uniform(0.5, MAX_HEADING) * (-np.sign(heading) or rng.choice((-1, 1)))
        radius = rng.uniform(13.0, 24.0)
        bend = abs(goal - heading) * radius
        curvature[(along >= at) & (along < at + bend)] = np.sign(goal - heading) / radius
        heading = goal
        at += bend + rng.uniform(6.0, 26.0)
    # Steering takes a few metres.
    curvature = np.convolve(np.pad(curvature, 8, mode="edge"), np.full(17, 1 / 17), "valid")
    heading = _integral(curvature, along)
    points = np.stack([_integral(np.sin(heading), along), _integral(np.cos(heading), along)], 1)
    return Road(along, points, heading)


def _integral(values, along):
    """Trapezoids from along = 0."""
    total = np.concatenate([[0], np.cumsum((values[1:] + values[:-1]) / 2 * STEP)])
    return total - np.interp(0, along, total)
