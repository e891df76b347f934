"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

What the CPU forms of this folder share: threads, and memory that they keep.

MindSpore's CPU kernels pass through memory once for each operation. The forms in *_cpu.py take one
image, or a few of its planes, through all operations of a formula, so that what lies between stays
in the cache: numpy and OpenCV, called through ops.Custom, which exists on CPU only.
`python -m tests.benchmarks.bench_sfm` times them.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

_CORES = os.sched_getaffinity(0)
# An array of this size fits a core's cache; with much smaller ones the threads wait for each other
# between operations.
_BLOCK = 250_000
_of_thread = threading.local()


def _begin_thread():
    # MindSpore binds the thread that calls these forms to one core, and new threads inherit it.
    os.sched_setaffinity(0, _CORES)
    # As MindSpore's kernels: what overflows is inf, without a word.
    np.seterr(all="ignore")


_POOL = ThreadPoolExecutor(len(_CORES), initializer=_begin_thread)


def for_images(
    function: Callable[[slice, slice], None], shape: tuple[int, ...], batch: int
) -> None:
    """Call function(part, within) for every slice of planes (K B, ..., H, W), on all cores.

    Args:
        function: gets a slice of the K B, and the slice of the batch that it is.
        shape: of the planes: K sets one after the other, each of the whole batch.
        batch: B.
    """
    most = -(-shape[0] // len(_CORES))
    within = blocks(batch, shape[-2] * shape[-1], most) * (shape[0] // batch)
    starts = np.cumsum([0] + [part.stop - part.start for part in within]).tolist()
    list(_POOL.map(function, map(slice, starts, starts[1:]), within))


def blocks(count: int, size: int, most: int | None = None) -> list[slice]:
    """Slices of `count` things of `size` numbers: as many at a time as a formula works on."""
    step = max(1, min(_BLOCK // size, most or count))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]


class Scratch:
    """Arrays with any content that a thread keeps: new memory costs more than most operations.

    Each Scratch() hands out the same arrays again, so a thread uses one at a time.

    Args:
        beside: another one that stays in use: this one hands out none of its arrays.
    """

    def __init__(self, beside: Scratch | None = None):
        self._arrays = _of_thread.__dict__.setdefault("arrays", {})
        self._used = Counter() if beside is None else Counter(beside._used)

    def new(self, shape: tuple[int, ...], dtype: type = np.float32) -> np.ndarray:
        """An array that this object has not handed out yet."""
        arrays = self._arrays.setdefault((shape, dtype), [])
        index = self._used[shape, dtype]
        self._used[shape, dtype] += 1
        if index == len(arrays):
            # Arrays whose addresses differ by a multiple of 4096 bytes slow each other.
            shift = 16 * index
            arrays.append(np.empty(np.prod(shape) + shift, dtype)[shift:].reshape(shape))
        return arrays[index]


def first_of(*each: object) -> object:
    """The first argument, where ops.Custom asks for a shape or a type."""
    return each[0]


def sign_in_place(planes: np.ndarray) -> np.ndarray:
    """np.sign of float32 numbers, in their place and in half the time; 0 where one is no number."""
    above, below = (planes > 0).view(np.int8), (planes < 0).view(np.int8)
    return np.subtract(above, below, out=planes, dtype=np.int8, casting="unsafe")
