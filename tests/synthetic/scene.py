"""Scenes: flat textured rectangles, put together to rooms and streets by a Builder.

A moving object is a mover: anything with pose(frame), the (4, 4) `world_from_object` at a frame
number, whole or not. Its faces stand in the object's own axes until Scene.at(frame) places them.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Optional

import numpy as np

from tests.synthetic.textures import NAMES, PAINTERS


@dataclass(frozen=True)
class Light:
    """How a scene is lit; brightness = albedo * (ambient + sun + lamp), shown with a gamma of 2.

    Attributes:
        ambient: light from everywhere.
        sun: strength of the light from far away.
        sun_direction: (3,) unit vector from the scene to the sun, world axes.
        lamp: strength of a lamp on the camera: what is far is dark.
        lamp_range: distance in metres at which the lamp's light has halved.
        haze_range: distance in metres at which 63 % of a colour is haze; inf for none.
        horizon: (3,) linear RGB of the haze and of the sky at the horizon.
        zenith: (3,) linear RGB of the sky overhead.
    """

    ambient: float = 0.6
    sun: float = 0.4
    sun_direction: tuple = (0.4, -0.8, -0.45)
    lamp: float = 0.0
    lamp_range: float = 1.5
    haze_range: float = np.inf
    horizon: tuple = (0.75, 0.80, 0.85)
    zenith: tuple = (0.25, 0.45, 0.80)


@dataclass(frozen=True)
class Scene:
    """F flat rectangles in the world, each seen from one side only.

    Attributes:
        corner: (F, 3) the corner that is top left when seen from the front, metres.
        edge_s: (F, 3) unit vector to the right.
        edge_t: (F, 3) unit vector downwards; edge_s x edge_t points away from the viewer.
        size: (F, 2) extent along edge_s and edge_t, metres.
        texture: (F,) index into textures.NAMES.
        tile: (F,) metres along a side of the texture's tile.
        offset: (F, 2) where in its tile the corner lies, in tiles.
        tint: (F, 3) factor on the texture's linear RGB.
        light: Light.
        max_depth: metres; what is farther has no depth (0).
        mover: (F,) index into movers of the object that a face belongs to, -1 for what is fixed.
        movers: the moving objects; none in a static scene.
        world_from_object: (movers, 4, 4) their poses; None before at() has placed them.
    """

    corner: np.ndarray
    edge_s: np.ndarray
    edge_t: np.ndarray
    size: np.ndarray
    texture: np.ndarray
    tile: np.ndarray
    offset: np.ndarray
    tint: np.ndarray
    light: Light = field(default_factory=Light)
    max_depth: float = np.inf
    mover: Optional[np.ndarray] = None
    movers: tuple = ()
    world_from_object: Optional[np.ndarray] = None

    def __len__(self):
        return len(self.corner)

    def at(self, frame):
        """The scene at one moment, with the faces of moving objects in world axes.

        Args:
            frame: frame number, whole or not.

        Returns:
            Scene; this one when nothing in it moves.
        """
        if not self.movers:
            return self
        poses = np.stack([mover.pose(frame) for mover in self.movers])
        moving = np.flatnonzero(self.mover >= 0)
        R, t = poses[self.mover[moving], :3, :3], poses[self.mover[moving], :3, 3]
        placed = {}
        for name in ("corner", "edge_s", "edge_t"):
            values = getattr(self, name).copy()
            values[moving] = np.einsum("fij,fj->fi", R, values[moving])
            placed[name] = values
        placed["corner"][moving] += t
        return replace(self, world_from_object=poses, **placed)


class Builder:
    """Collects rectangles and boxes and makes a Scene of them.

    Args:
        rng: numpy Generator; used for each face's place in its texture.
    """

    def __init__(self, rng):
        self._rng = rng
        self._faces = []
        self._movers = []
        self._mover = -1

    @contextmanager
    def moving(self, mover):
        """Within this context, what is added belongs to a moving object and stands in its axes.

        Args:
            mover: has pose(frame), (4, 4) `world_from_object`.
        """
        self._movers.append(mover)
        self._mover = len(self._movers) - 1
        yield
        self._mover = -1

    def rectangle(self, corner, edge_s, edge_t, texture, tint=(1, 1, 1), offset=None):
        """Add a rectangle.

        Args:
            corner: (3,) top left corner seen from the front, metres.
            edge_s: (3,) vector along the top edge, its length is the width in metres.
            edge_t: (3,) vector down the left edge, its length is the height in metres.
            texture: a name in textures.PAINTERS.
            tint: (3,) factor on the texture's linear RGB.
            offset: (2,) where in its tile the corner lies, in tiles; None draws it.
        """
        edges = np.array([edge_s, edge_t], np.float64)
        size = np.linalg.norm(edges, axis=1)
        drawn = self._rng.random(2)
        offset = drawn if offset is None else offset
        tile = PAINTERS[texture][1]
        self._faces.append(
            (corner, *(edges / size[:, None]), size, texture, tile, offset, tint, self._mover)
        )

    def box(self, centre, size, yaw, texture, tint=(1, 1, 1), top=None):
        """Add a box that stands upright; its underside is left out.

        Args:
            centre: (3,) the middle of its base, metres; y points down.
            size: (3,) width, height, length, metres.
            yaw: radians, turns the length from z towards x.
            texture: a name in textures.PAINTERS, for the sides.
            tint: (3,) factor on the texture's linear RGB.
            top: the name of the top's texture; that of the sides when None.
        """
        width, height, length = size
        centre = np.asarray(centre, np.float64)
        right = np.array([np.cos(yaw), 0, -np.sin(yaw)])
        ahead = np.array([np.sin(yaw), 0, np.cos(yaw)])
        up, down = np.array([0, -height, 0.0]), np.array([0, height, 0.0])
        for out, side, deep, wide in (
            (-ahead, right, length, width),
            (ahead, -right, length, width),
            (-right, -ahead, width, length),
            (right, ahead, width, length),
        ):
            corner = centre + up + out * deep / 2 - side * wide / 2
            self.rectangle(corner, side * wide, down, texture, tint)
        corner = centre + up - right * width / 2 + ahead * length / 2
        self.rectangle(corner, right * width, -ahead * length, top or texture, tint)

    def scene(self, light=None, max_depth=np.inf):
        """Put the faces together.

        Args:
            light: Light; daylight when None.
            max_depth: metres; what is farther has no depth.

        Returns:
            Scene.
        """
        corner, edge_s, edge_t, size, texture, tile, offset, tint, mover = zip(*self._faces)
        arrays = (np.array(x, np.float64) for x in (corner, edge_s, edge_t, size))
        return Scene(
            *arrays,
            np.array([NAMES.index(name) for name in texture]),
            np.array(tile, np.float64),
            np.array(offset, np.float64),
            np.array(tint, np.float64),
            light or Light(),
            max_depth,
            np.array(mover),
            tuple(self._movers),
        )
