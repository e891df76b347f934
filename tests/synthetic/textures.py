"""Procedural textures of a known physical size, and their mip-mapped atlas.

Every tile is periodic and painted by numpy from value noise, checkers and stripes. The atlas keeps
all tiles at all sizes in one image, so that one cv2.remap textures a whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

SIZE = 256  # texels along a side of a tile
LEVELS = 9  # 256, 128, ... 1 texels


def value_noise(rng, cells_t, cells_s=None, size=SIZE):
    """One octave of periodic value noise.

    Args:
        rng: numpy Generator.
        cells_t: lattice cells along the tile's rows; must not exceed `size`.
        cells_s: lattice cells along the columns; the same as `cells_t` when None.
        size: texels along a side.

    Returns:
        (size, size) float64 in 0..1.
    """
    cells_s = cells_s or cells_t
    lattice = rng.random((cells_t, cells_s))
    rows, columns = (np.arange(size) * cells / size for cells in (cells_t, cells_s))
    row, column = rows.astype(int), columns.astype(int)
    f_row, f_column = ((x * x * (3 - 2 * x)) for x in (rows - row, columns - column))
    f_row = f_row[:, None]
    top, bottom = lattice[row], lattice[(row + 1) % cells_t]
    mixed = top + (bottom - top) * f_row
    return mixed[:, column] * (1 - f_column) + mixed[:, (column + 1) % cells_s] * f_column


def fractal_noise(rng, cells, octaves=5, stretch=1):
    """Several octaves of value noise, each half as strong and twice as fine.

    Args:
        rng: numpy Generator.
        cells: lattice cells of the first octave.
        octaves: how many; `cells * stretch * 2 ** (octaves - 1)` must not exceed SIZE.
        stretch: how many times finer the noise is along the columns than along the rows.

    Returns:
        (SIZE, SIZE) float64 with mean 0, mostly within -1..1.
    """
    total = sum(
        0.5**o * (value_noise(rng, cells * 2**o, cells * stretch * 2**o) - 0.5)
        for o in range(octaves)
    )
    total -= total.mean()
    return total / (2.5 * total.std())


def _grid(rows, columns, gap):
    """(SIZE, SIZE) bool: inside the cells of a grid whose lines are `gap` tiles wide."""
    x = (np.arange(SIZE) + 0.5) / SIZE
    row, column = x * rows % 1, x * columns % 1
    return ((row > gap * rows) & (row < 1))[:, None] & (column > gap * columns)[None]


def _cells(rng, rows, columns, spread):
    """(SIZE, SIZE) float64 around 1: one random value for each cell of a rows x columns grid."""
    values = 1 + spread * (2 * rng.random((rows, columns)) - 1)
    return np.kron(values, np.ones((SIZE // rows, SIZE // columns)))


def _grey(value):
    return np.repeat(value[..., None], 3, axis=2)


def _plaster(rng):
    return _grey(0.80 + 0.10 * fractal_noise(rng, 8) + 0.07 * fractal_noise(rng, 2, 3))


def _tiles(rng):
    cells = _cells(rng, 2, 2, 0.10) * (0.75 + 0.10 * fractal_noise(rng, 8))
    return _grey(np.where(_grid(2, 2, 0.012), cells, 0.25))


def _checker(rng):
    board = np.kron([[1.0, 0.0], [0.0, 1.0]], np.ones((SIZE // 2, SIZE // 2)))
    return _grey(0.25 + 0.55 * board + 0.07 * fractal_noise(rng, 8))


def _stripes(rng):
    wave = np.sin(2 * np.pi * 4 * (np.arange(SIZE) + 0.5) / SIZE)
    return _grey(0.65 + 0.17 * np.tanh(3 * wave)[None] + 0.07 * fractal_noise(rng, 8))


def _planks(rng):
    shade = _cells(rng, 8, 1, 0.22) * (0.62 + 0.16 * fractal_noise(rng, 1, 5, 1).T)
    grain = 0.10 * fractal_noise(rng, 2, 4, 8).T
    lines = np.where(_grid(8, 1, 0.008), 1.0, 0.35)
    return ((shade + grain) * lines)[..., None] * np.array([1.0, 0.74, 0.48])


def _bricks(rng):
    rows = _cells(rng, 16, 8, 0.22) * (0.60 + 0.10 * fractal_noise(rng, 8))
    wall = np.where(_grid(16, 8, 0.008), rows, 0.0)
    shift = (np.arange(SIZE) * 16 // SIZE % 2) * (SIZE // 16)
    index = (np.arange(SIZE)[None] + shift[:, None]) % SIZE
    wall = np.take_along_axis(wall, index, axis=1)
    mortar = 0.70 + 0.05 * fractal_noise(rng, 16, 4)
    return np.where(wall[..., None] > 0, wall[..., None] * [1.0, 0.55, 0.42], mortar[..., None])


def _fabric(rng):
    return 0.55 + 0.30 * np.stack([fractal_noise(rng, 4, 6) for _ in range(3)], axis=2)


def _picture(rng):
    colours = rng.random((8, 3)) * 0.8 + 0.1
    bands = (value_noise(rng, 4) * 0.6 + value_noise(rng, 8) * 0.4) * 8
    return colours[np.clip(bands.astype(int), 0, 7)] * (1 + 0.2 * fractal_noise(rng, 8)[..., None])


def _books(rng):
    back = 0.2 + 0.7 * rng.random((2, 32, 3))
    books = np.kron(back, np.ones((SIZE // 2, SIZE // 32, 1)))
    shelf = _grid(2, 1, 0.05) & (_grid(1, 32, 0.004))
    return (
        books * np.where(shelf, 1.0, 0.3)[..., None] * (1 + 0.15 * fractal_noise(rng, 8)[..., None])
    )


def _facade(rng):
    wall = 0.70 + 0.09 * fractal_noise(rng, 8)
    x = (np.arange(SIZE) + 0.5) / SIZE * 2 % 1
    glass = ((x > 0.22) & (x < 0.72))[:, None] & ((x > 0.28) & (x < 0.72))[None]
    frame = ((x > 0.18) & (x < 0.76))[:, None] & ((x > 0.25) & (x < 0.75))[None]
    pane = 0.12 + 0.10 * _cells(rng, 2, 2, 0.6) + 0.08 * fractal_noise(rng, 8)
    grey = np.where(glass, pane, np.where(frame, 0.90, wall))
    return grey[..., None] * np.where(glass[..., None], [0.8, 0.95, 1.1], 1.0)


def _asphalt(rng):
    return _grey(0.30 + 0.12 * fractal_noise(rng, 16) + 0.06 * fractal_noise(rng, 1, 4))


def _grass(rng):
    blades = 0.45 + 0.25 * fractal_noise(rng, 8, 6) + 0.12 * fractal_noise(rng, 1, 3)
    return blades[..., None] * np.array([0.62, 0.95, 0.40])


def _metal(rng):
    return _grey(0.75 + 0.08 * fractal_noise(rng, 4, 6))


# name -> painter, metres along a side of the tile (what makes a texture's scale tell the distance)
PAINTERS = {
    "plaster": (_plaster, 2.0),
    "tiles": (_tiles, 1.0),
    "checker": (_checker, 1.0),
    "stripes": (_stripes, 0.8),
    "planks": (_planks, 1.6),
    "bricks": (_bricks, 1.6),
    "fabric": (_fabric, 0.8),
    "picture": (_picture, 0.9),
    "books": (_books, 0.7),
    "facade": (_facade, 6.0),
    "asphalt": (_asphalt, 3.0),
    "grass": (_grass, 3.0),
    "metal": (_metal, 1.5),
}
NAMES = tuple(PAINTERS)


@dataclass(frozen=True)
class Atlas:
    """All tiles at all sizes in one image, each with a border of one wrapped texel.

    Attributes:
        image: (rows, columns, 3) uint8, linear albedo, 255 = 1.
        left: (LEVELS,) float32, first column of each level, border excluded.
        top: (textures,) float32, first row of each texture, border excluded.
    """

    image: np.ndarray
    left: np.ndarray
    top: np.ndarray


@lru_cache(maxsize=4)
def atlas(seed=0):
    """Paint all textures.

    Args:
        seed: whole number; the same seed gives the same texels.

    Returns:
        Atlas.
    """
    sizes = [SIZE >> level for level in range(LEVELS)]
    left = np.cumsum([0, *(size + 2 for size in sizes)])
    image = np.zeros((len(NAMES) * (SIZE + 2), left[-1], 3), np.uint8)
    for index, (painter, _) in enumerate(PAINTERS.values()):
        tile = np.clip(painter(np.random.default_rng([seed, index])), 0.02, 1).astype(np.float32)
        for level, size in enumerate(sizes):
            small = cv2.resize(tile, (size, size), interpolation=cv2.INTER_AREA)
            padded = np.pad(small, ((1, 1), (1, 1), (0, 0)), mode="wrap")
            row = index * (SIZE + 2)
            image[row : row + size + 2, left[level] : left[level] + size + 2] = np.rint(
                255 * padded
            )
    top = np.arange(len(NAMES)) * (SIZE + 2) + 1
    return Atlas(image, (left[:-1] + 1).astype(np.float32), top.astype(np.float32))


def sample(textures, texture, s, t, level):
    """Look colours up with trilinear filtering.

    Args:
        textures: Atlas.
        texture: (H, W) whole numbers, which texture.
        s: (H, W) float32, column in tiles; whole numbers wrap.
        t: (H, W) float32, row in tiles.
        level: (H, W) float32, mip level, 0..LEVELS - 1 (is clipped).

    Returns:
        (H, W, 3) uint8 linear albedo, 255 = 1.
    """
    level = np.clip(level, 0, LEVELS - 1.001)
    low = level.astype(np.intp)
    share = level - low.astype(np.float32)
    s, t = s - np.floor(s), t - np.floor(t)
    top = textures.top.take(texture)
    size = np.ldexp(np.float32(SIZE), -np.arange(LEVELS)).astype(np.float32)

    def look_up(which):
        scale = size.take(which)
        x = textures.left.take(which) + s * scale - 0.5
        y = top + t * scale - 0.5
        return cv2.remap(textures.image, x, y, cv2.INTER_LINEAR)

    return cv2.blendLinear(look_up(low), look_up(low + 1), 1 - share, share)
