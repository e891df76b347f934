"""Drives: a winding road between houses, with cars that are parked, drive, wait and cross."""

from __future__ import annotations

import numpy as np

from tests.synthetic.camera import Path
from tests.synthetic.roads import directions, winding_road
from tests.synthetic.scene import Builder, Light
from tests.synthetic.streets import MAX_DEPTH
from tests.synthetic.traffic import APPROACH, Track, car, lead_along, timetable

CAMERA_HEIGHT = 1.65  # metres above the road
BEFORE, AFTER = 20.0, 110.0  # metres of road beyond the way driven
SIDE_STREET = 4.5  # metres from its middle that stay free


def drive(seed, length=160.0, speed=1.0):
    """Build a drive; it turns, stops at side streets, and meets cars that move.

    Args:
        seed: whole number or sequence of them.
        length: metres that can be driven; about 0.8 m per frame, stops included.
        speed: of the camera, as a share of the usual one; see traffic.timetable.

    Returns:
        Scene, Track of the camera.
    """
    rngs = [np.random.default_rng([*np.atleast_1d(seed), 77, part]) for part in range(8)]
    start, end = -BEFORE, length + AFTER
    road = winding_road(rngs[0], start, end)
    ego = timetable(rngs[1], speed)
    lane = rngs[2].uniform(1.6, 2.2)
    half, pavement = lane + rngs[2].uniform(3.4, 4.2), rngs[2].uniform(1.8, 3.5)
    crossings = [(ego.along[stop] + APPROACH, start_again + 1) for stop, start_again in ego.stops]
    crossings = [(along, frame) for along, frame in crossings if along < length + APPROACH]
    builder = Builder(rngs[3])
    _ground(builder, rngs[3], road, half, pavement, start, end)
    free = _free_places(road, half + pavement, crossings)
    for side in (-1, 1):
        _houses(builder, rngs[4], road, side, half + pavement, free, start, end)
        _roadside(builder, rngs[5], road, side, half, crossings, start, end)
    _side_streets(builder, road, half, crossings)
    _traffic(builder, rngs[6], road, lane, ego, crossings, end)
    sun = rngs[7].uniform((-0.8, -0.9, -0.8), (0.8, -0.5, -0.2))
    light = Light(
        ambient=0.45,
        sun=0.6,
        sun_direction=tuple(sun / np.linalg.norm(sun)),
        haze_range=rngs[7].uniform(120, 250),
    )
    sway = (rngs[7].uniform(0.05, 0.2), 0.004, 0.005)
    camera = Track(road, ego.along, lane, CAMERA_HEIGHT, sway)
    return builder.scene(light, MAX_DEPTH), camera


def _strip(builder, road, begin, end, left, right, up, texture, tint=(1, 1, 1)):
    """A flat piece along the road, between two lateral bounds."""
    (middle, heading) = road.place((begin + end) / 2, (left + right) / 2)
    # Longer than its part of the centre line, lest a wedge stay open on the outside of a bend.
    bend = abs(road.place(end)[1] - road.place(begin)[1])
    length = (end - begin) + bend * max(abs(left), abs(right))
    ahead, aside = (np.array([x, 0, z]) for x, z in directions(heading))
    corner = np.array([middle[0], -up, middle[1]])
    corner = corner + ahead * length / 2 - aside * (right - left) / 2
    builder.rectangle(corner, aside * (right - left), -ahead * length, texture, tint)


def _ground(builder, rng, road, half, pavement, start, end):
    """Grass, and on it a road with dashes between two pavements, in short straight pieces."""
    reach = end - start + 150
    builder.rectangle((-reach, 0.03, reach), (2 * reach, 0, 0), (0, 0, -2 * reach), "grass")
    tint = rng.uniform(0.7, 1.0, 3)
    for index, begin in enumerate(np.arange(start, end, 4.0)):
        # Pieces overlap: one in two lies a little higher, so that it is clear which one is seen.
        up = 0.006 * (index % 2)
        _strip(builder, road, begin, begin + 4, -half, half, up, "asphalt")
        for side in (-1, 1):
            left, right = sorted((side * half, side * (half + pavement)))
            _strip(builder, road, begin, begin + 4, left, right, 0.03 + up, "tiles", tint)
        if index % 2:
            _strip(builder, road, begin, begin + 2.5, -0.07, 0.07, 0.02, "metal")


def _free_places(road, half, crossings):
    """(n, 3): x, z and clearance of places that no house may come near."""
    own = np.column_stack([road.points[::4], np.full(len(road.points[::4]), half - 0.1)])
    sides = [
        [*road.place(along, lateral)[0], SIDE_STREET]
        for along, _ in crossings
        for lateral in np.arange(-45.0, 45.1, 2.0)
    ]
    return np.concatenate([own, np.reshape(sides, (-1, 3))])


def _houses(builder, rng, road, side, edge, free, start, end):
    """A row of houses, where the road and the side streets leave room."""
    at = start + rng.uniform(0, 5)
    while at < end:
        width, height, depth = rng.uniform((7, 5, 8), (15, 14, 12))
        texture = rng.choice(("facade", "facade", "facade", "bricks"))
        tint, back = rng.uniform(0.45, 1, 3), rng.uniform(0.2, 2.5)
        gap = rng.uniform(1, 10) if rng.random() < 0.4 else 0.3
        place, heading = road.place(at + width / 2, side * (edge + back + depth / 2))
        u, v = np.meshgrid(np.linspace(-0.5, 0.5, 5) * width, np.linspace(-0.5, 0.5, 5) * depth)
        ahead, right = directions(heading)
        inside = place + u.reshape(-1, 1) * ahead + v.reshape(-1, 1) * right
        away = np.linalg.norm(inside[:, None] - free[None, :, :2], axis=-1)
        if (away > free[:, 2]).all():
            centre = (place[0], 0, place[1])
            builder.box(centre, (depth, height, width), heading, texture, tint)
        at += width + gap


def _roadside(builder, rng, road, side, half, crossings, start, end):
    """Parked cars at the kerb, lamp posts and trees on the pavement."""
    at = start + rng.uniform(2, 8)
    while at < end:
        parked, wide = rng.random() < 0.6, rng.uniform(-0.05, 0.05)
        clear = all(abs(at - along) > SIDE_STREET + 4 for along, _ in crossings)
        if clear and parked:
            (x, z), heading = road.place(at, side * (half - 1.0))
            car(builder, rng, (x, 0, z), heading + wide + (np.pi if side < 0 else 0))
        elif clear:
            (x, z), heading = road.place(at, side * (half + 0.4))
            _post(builder, rng, x, z)
        at += rng.uniform(5.5, 14)


def _post(builder, rng, x, z):
    if rng.random() < 0.5:
        builder.box((x, 0, z), (0.14, 5.5, 0.14), 0, "metal", (0.4, 0.4, 0.4))
        return
    builder.box((x, 0, z), (0.25, 2.6, 0.25), 0, "planks", (0.5, 0.5, 0.5))
    size = rng.uniform((1.2, 1.5, 1.2), (2.0, 3.0, 2.0))
    builder.box((x, -2.4, z), size, rng.uniform(0, 1.5), "grass", (0.7, 0.8, 0.7))


def _side_streets(builder, road, half, crossings):
    """Asphalt across the pavements, where cars cross."""
    for along, _ in crossings:
        (x, z), heading = road.place(along)
        ahead, right = (np.array([a, 0, b]) for a, b in directions(heading))
        for side in (-1, 1):
            corner = np.array([x, -0.045, z]) + 3.5 * ahead + right * (half if side > 0 else -60)
            builder.rectangle(corner, right * (60 - half), -7.0 * ahead, "asphalt")


def _traffic(builder, rng, road, lane, ego, crossings, end):
    """A car ahead, cars that come towards us, and one across each side street."""
    frames = np.arange(len(ego.along))
    with builder.moving(Track(road, lead_along(ego), lane)):
        car(builder, rng)
    for path in _crossing_paths(rng, road, crossings, frames):
        with builder.moving(path):
            car(builder, rng)
    speed, begin = rng.uniform(0.7, 0.9), rng.uniform(16, 24)
    while begin < 2.5 * end:
        along = begin - speed * frames
        near = any(
            np.abs(along[max(frame - 15, 0) : frame + 15] - crossing).min() < 7
            for crossing, frame in crossings
        )
        if not near:
            with builder.moving(Track(road, along, -lane, turned=True)):
                car(builder, rng)
        begin += rng.uniform(22, 45)


def _crossing_paths(rng, road, crossings, frames):
    """The ways of the cars across the side streets, but for those that would meet each other."""
    paths, ways = [], []
    for index, (along, frame) in enumerate(crossings):
        side = 1 if index % 2 else -1
        (x, z), heading = road.place(along)
        right = np.insert(directions(heading)[1], 1, 0)
        step = side * rng.uniform(1.0, 1.3) * right
        begin, still = np.array([x, 0, z]) - frame * step, np.zeros(3)
        turned = np.array([heading + side * np.pi / 2, 0.0, 0.0])
        way = begin + frames[:, None] * step
        if all(np.linalg.norm(way - other, axis=1).min() > 6 for other in ways):
            ways.append(way)
            paths.append(Path(begin, step, still, turned, still, 1.0, np.zeros(6)))
    return paths
