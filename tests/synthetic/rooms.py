"""Rooms: boxes seen from inside, with furniture and pictures, lit by a lamp on the camera."""

from __future__ import annotations

import numpy as np

from tests.synthetic.camera import Path
from tests.synthetic.scene import Builder, Light

KEEP_CLEAR = 0.75  # metres between the camera's path and walls or furniture
WALLS = ("plaster", "plaster", "stripes", "bricks", "plaster")
FLOORS = ("planks", "tiles", "checker", "planks")
# sides, top, smallest and largest (width, height, length) in metres, stands at a wall
FURNITURE = (
    ("planks", "planks", (0.8, 0.70, 0.7), (1.6, 0.78, 0.9), False),  # table
    ("planks", "planks", (0.8, 1.80, 0.4), (1.6, 2.10, 0.6), True),  # wardrobe
    ("books", "planks", (0.7, 1.20, 0.3), (1.4, 1.90, 0.4), True),  # book shelf
    ("fabric", "fabric", (1.2, 0.45, 1.8), (1.6, 0.60, 2.0), True),  # bed
    ("fabric", "fabric", (0.8, 0.70, 0.7), (1.8, 0.90, 0.9), True),  # sofa
    ("metal", "metal", (0.5, 0.85, 0.5), (0.6, 1.70, 0.6), True),  # kitchen appliance
    ("fabric", "planks", (0.4, 0.45, 0.4), (0.5, 0.90, 0.5), False),  # chair
)


def room(seed):
    """Build a room; depth runs from about 0.7 to 9 m, and how much of it a room has varies much.

    Args:
        seed: whole number or sequence of them.

    Returns:
        Scene, Path: the room and a path in it that stays clear of everything.
    """
    rng = np.random.default_rng(seed)
    # How far the walls in view are is what tells pictures apart: drawn first, and the room to fit.
    wanted = 0.9 * 9.0 ** rng.beta(0.6, 0.6)
    width = max(rng.uniform(2.4, 4.5), 0.7 * wanted)
    length = max(rng.uniform(2.4, 4.5), min(wanted + 1.2, np.sqrt(9.4**2 - width**2)))
    height = rng.uniform(2.3, 3.2)
    builder = Builder(rng)
    _shell(builder, rng, width, height, length)
    path = _path(rng, width, length, wanted)
    _furnish(builder, rng, width, length, path)
    light = Light(
        ambient=rng.uniform(0.03, 0.06),
        sun=rng.uniform(0.01, 0.04),
        lamp=rng.uniform(1.0, 1.2),
        lamp_range=1.5,
    )
    return builder.scene(light), path


def _tint(rng, low=0.75):
    return rng.uniform(low, 1.0, 3)


def _wall_frames(width, length, height):
    """Of each wall: top left corner seen from inside, unit vector to the right, extent."""
    x, z = width / 2, length / 2
    return (
        ((-x, -height, z), (1, 0, 0), width),
        ((x, -height, z), (0, 0, -1), length),
        ((x, -height, -z), (-1, 0, 0), width),
        ((-x, -height, -z), (0, 0, 1), length),
    )


def _shell(builder, rng, width, height, length):
    """Floor, ceiling and walls with what hangs on them."""
    x, z = width / 2, length / 2
    floor, wall, paint = rng.choice(FLOORS), rng.choice(WALLS), _tint(rng)
    builder.rectangle((-x, 0, z), (width, 0, 0), (0, 0, -length), floor, _tint(rng))
    builder.rectangle((-x, -height, -z), (width, 0, 0), (0, 0, length), "plaster")
    for corner, right, extent in _wall_frames(width, length, height):
        right = np.array(right, np.float64)
        builder.rectangle(corner, right * extent, (0, height, 0), wall, paint)
        inwards = np.cross((0, 1, 0), right) * 0.01
        start = np.array(corner) + inwards
        taken = rng.uniform(0, extent / 2)
        if rng.random() < 0.4 and taken + 0.9 < extent:
            door = start + right * taken + (0, height - 2.05, 0)
            builder.rectangle(door, right * 0.9, (0, 2.05, 0), "planks", _tint(rng, 0.6))
            taken += 1.0
        while taken + 0.9 < extent and rng.random() < 0.6:
            size = rng.uniform(0.4, 0.9, 2)
            place = start + right * taken + (0, height - rng.uniform(1.5, 2.1), 0)
            builder.rectangle(place, right * size[0], (0, size[1], 0), "picture", _tint(rng))
            taken += size[0] + rng.uniform(0.1, 1.0)


def _path(rng, width, length, wanted):
    """A swaying path that keeps clear of the walls, and sees them about as far off as wanted."""
    free = np.array([width, length]) / 2 - KEEP_CLEAR
    sway = np.minimum(rng.uniform(0.1, 0.4, 2), free / 2)
    places = rng.uniform(-1, 1, (64, 2)) * (free - sway)
    yaws = rng.uniform(-np.pi, np.pi, 64)
    best = np.argmin(np.abs(np.log(_wall_depth(places, yaws, width, length) / wanted)))
    return Path(
        start=np.array([places[best, 0], -rng.uniform(0.9, 1.7), places[best, 1]]),
        velocity=np.zeros(3),
        sway=np.array([sway[0], rng.uniform(0.02, 0.08), sway[1]]),
        angles=np.array([yaws[best], rng.uniform(0.0, 0.3), 0.0]),
        turn=np.array([rng.uniform(0.1, 0.4), rng.uniform(0.02, 0.08), rng.uniform(0.0, 0.04)]),
        period=40.0,
        phase=rng.uniform(0, 2 * np.pi, 6),
    )


def _wall_depth(places, yaws, width, length):
    """Mean depth (n,) of the walls at the level of the eyes, for n places (n, 2) and yaws (n,)."""
    fan = np.array([-0.45, -0.25, 0.0, 0.25, 0.45])
    angles = yaws[:, None] + fan
    step = np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    room_left = np.array([width, length]) / 2 - np.sign(step) * places[:, None]
    distance = (room_left / np.maximum(np.abs(step), 1e-9)).min(axis=-1)
    return (distance * np.cos(fan)).mean(axis=1)


def _furnish(builder, rng, width, length, path):
    """Put furniture where it touches neither the path nor what stands there already."""
    centre, reach = path.start[[0, 2]], np.hypot(*path.sway[[0, 2]]) + KEEP_CLEAR
    circles = [(centre, reach)]
    wanted = 1 + int(width * length / 5)
    for _ in range(6 * wanted):
        sides, top, low, high, at_wall = FURNITURE[rng.integers(len(FURNITURE))]
        size = rng.uniform(low, high)
        radius = np.hypot(size[0], size[2]) / 2
        free = np.array([width, length]) / 2 - (0.02 if at_wall else radius)
        place = rng.uniform(-1, 1, 2) * np.maximum(free, 0)
        yaw = rng.uniform(-np.pi, np.pi)
        if at_wall:
            place, yaw = _to_wall(rng, place, size, width, length)
        if any(np.hypot(*(place - c)) < radius + r for c, r in circles) or (free < 0).any():
            continue
        circles.append((place, radius))
        builder.box((place[0], 0, place[1]), size, yaw, sides, _tint(rng, 0.55), top)
        if len(circles) > wanted:
            break


def _to_wall(rng, place, size, width, length):
    """Move a piece of furniture with its back to one of the four walls."""
    wall = rng.integers(4)
    half = np.array([width, length]) / 2
    along, across = (0, 1) if wall % 2 == 0 else (1, 0)
    sign = 1 if wall < 2 else -1
    moved = place.copy()
    moved[across] = sign * (half[across] - size[2] / 2 - 0.02)
    room_left = max(half[along] - size[0] / 2 - 0.02, 0)
    moved[along] = np.clip(moved[along], -room_left, room_left)
    return moved, wall * np.pi / 2
