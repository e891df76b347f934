"""Streets: ground, pavements, building fronts, parked cars and posts under a far sky."""

from __future__ import annotations

import numpy as np

from tests.synthetic.camera import Path
from tests.synthetic.scene import Builder, Light

MAX_DEPTH = 80.0  # metres; KITTI's laser sees no farther


def street(seed, length=160.0):
    """Build a straight street along z, with a camera that drives about 1 m a frame.

    Args:
        seed: whole number or sequence of them.
        length: metres that can be driven before the street's last 100 m begin.

    Returns:
        Scene, Path.
    """
    rng = np.random.default_rng(seed)
    builder = Builder(rng)
    road, pavement = rng.uniform(3.5, 5.0), rng.uniform(1.8, 4.0)
    start, end = -15.0, length + 100.0
    _ground(builder, rng, road, pavement, start, end)
    for side in (-1, 1):
        _houses(builder, rng, side, road + pavement, start, end)
        _cars(builder, rng, side, road, start, end)
        _posts(builder, rng, side, road + 0.4, start, end)
    sun = rng.uniform((-0.8, -0.9, -0.8), (0.8, -0.5, -0.2))
    light = Light(
        ambient=0.45,
        sun=0.6,
        sun_direction=tuple(sun / np.linalg.norm(sun)),
        haze_range=rng.uniform(120, 250),
    )
    path = Path(
        start=np.array([rng.uniform(-1, 1) * (road - 3.2), -1.65, 0.0]),
        velocity=np.array([0.0, 0.0, rng.uniform(0.7, 1.3)]),
        sway=np.array([rng.uniform(0.1, 0.3), 0.02, 0.0]),
        angles=np.array([rng.uniform(-0.06, 0.06), rng.uniform(0.0, 0.03), 0.0]),
        turn=np.array([rng.uniform(0.02, 0.08), 0.004, 0.006]),
        period=30.0,
        phase=rng.uniform(0, 2 * np.pi, 6),
    )
    return builder.scene(light, MAX_DEPTH), path


def _ground(builder, rng, road, pavement, start, end):
    """The road with its dashes, the pavements a kerb higher, and grass behind them."""
    length, out, kerb = end - start, road + pavement, 0.12
    builder.rectangle((-road, 0, end), (2 * road, 0, 0), (0, 0, -length), "asphalt")
    for z in np.arange(start, end, 6.0):
        builder.rectangle((-0.07, -0.005, z + 3), (0.14, 0, 0), (0, 0, -3.0), "metal")
    tint = rng.uniform(0.7, 1.0, 3)
    for left in (-out, road):
        top = (left, -kerb, end)
        builder.rectangle(top, (pavement, 0, 0), (0, 0, -length), "tiles", tint)
    builder.rectangle((-road, -kerb, start), (0, 0, length), (0, kerb, 0), "metal")
    builder.rectangle((road, -kerb, end), (0, 0, -length), (0, kerb, 0), "metal")
    for left in (-out - 60, out):
        builder.rectangle((left, -kerb, end), (60, 0, 0), (0, 0, -length), "grass")


def _houses(builder, rng, side, edge, start, end):
    """A row of houses with gaps."""
    z = start + rng.uniform(0, 5)
    while z < end:
        width, height, depth = rng.uniform((7, 5, 8), (16, 15, 12))
        texture = rng.choice(("facade", "facade", "facade", "bricks"))
        x = side * (edge + rng.uniform(0, 2.5) + depth / 2)
        builder.box(
            (x, 0, z + width / 2), (depth, height, width), 0, texture, rng.uniform(0.45, 1, 3)
        )
        z += width + (rng.uniform(1, 10) if rng.random() < 0.4 else 0)


def _cars(builder, rng, side, road, start, end):
    """Parked cars at the kerb: a body with a cabin on top."""
    z = start + rng.uniform(4, 12)
    while z < end:
        paint = rng.uniform(0.1, 1.0, 3)
        x, yaw = side * (road - 1.0), rng.uniform(-0.05, 0.05)
        builder.box((x, -0.2, z), (1.75, 0.65, 4.2), yaw, "metal", paint)
        builder.box((x, -0.85, z), (1.55, 0.6, 2.2), yaw, "metal", paint * 0.25)
        for along in (-1.3, 1.3):
            builder.box((x, 0, z + along), (1.6, 0.45, 0.6), yaw, "metal", (0.08, 0.08, 0.08))
        z += rng.uniform(5.5, 22)


def _posts(builder, rng, side, x, start, end):
    """Lamp posts and tree trunks with a crown."""
    z = start + rng.uniform(0, 15)
    while z < end:
        if rng.random() < 0.5:
            builder.box((side * x, 0, z), (0.14, 5.5, 0.14), 0, "metal", (0.4, 0.4, 0.4))
        else:
            builder.box((side * x, 0, z), (0.25, 2.6, 0.25), 0, "planks", (0.5, 0.5, 0.5))
            size = rng.uniform((1.2, 1.5, 1.2), (2.0, 3.0, 2.0))
            builder.box((side * x, -2.4, z), size, rng.uniform(0, 1.5), "grass", (0.7, 0.8, 0.7))
        z += rng.uniform(9, 22)
