"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Batches for a network; reading, computing and writing at the same time, each in a thread of its own;
how far it is.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np

Item = TypeVar("Item")
Result = TypeVar("Result")
_END = object()


class Predictor(Protocol):
    """A network and its preprocessing: (H, W, 3) uint8 RGB images -> (H, W) float32 maps.

    Attributes:
        batch_size: images per call of `batch`.
    """

    batch_size: int

    def batch(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """The maps of images that may differ in size, each of its image's size."""


class Prepared:
    """A predictor that prepares images beside the network: `prepare` may run in another thread."""

    batch_size: int

    def prepare(self, image: np.ndarray) -> Any:
        """What `predict` takes of an image."""
        raise NotImplementedError

    def predict(self, prepared: list) -> list[np.ndarray]:
        """The maps of prepared images."""
        raise NotImplementedError

    def batch(self, images: list[np.ndarray]) -> list[np.ndarray]:
        """See `Predictor`."""
        return self.predict([self.prepare(image) for image in images])


def filled(batch: np.ndarray, size: int) -> np.ndarray:
    """A short batch filled with its last element: another length would compile another graph."""
    missing = size - len(batch)
    return np.concatenate([batch, np.repeat(batch[-1:], missing, 0)]) if missing > 0 else batch


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items; the last one may be short."""
    items = iter(items)
    while part := list(itertools.islice(items, size)):
        yield part


@contextlib.contextmanager
def _threads(count):
    """Threads that take calls in order; at the end those that have not begun are dropped."""
    pool = ThreadPoolExecutor(count)
    try:
        yield pool.submit
    finally:
        pool.shutdown(cancel_futures=True)


def ahead(items: Iterable[Item], count: int) -> Iterator[Item]:
    """The items, of which up to `count` are made while the caller uses an earlier one.

    An error in making an item is raised when it is that item's turn.
    """
    items = iter(items)
    with _threads(1) as submit:
        waiting = deque(submit(next, items, _END) for _ in range(count))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(submit(next, items, _END))
            yield item


def after(
    items: Iterable[Item], use: Callable[[Item], Result], count: int, threads: int = 1
) -> Iterator[Result]:
    """use(item) of each item, in order, computed while up to `count` later items are made.

    When making an item fails, the results of the earlier ones come first, then the error.
    """
    failed, waiting, items = None, deque(), iter(items)
    with _threads(threads) as submit:
        while True:
            try:
                item = next(items, _END)
            except Exception as err:  # whatever it is, it is raised below
                item, failed = _END, err
            if item is _END:
                break
            waiting.append(submit(use, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    if failed is not None:
        raise failed


def in_batches(
    images: Iterable[tuple[Any, np.ndarray]], predictor: Predictor
) -> Iterator[tuple[Any, np.ndarray]]:
    """(label, map) of each (label, image), in the same order, batch_size images at a time.

    The images of the next batch are made while this one is predicted; a `Prepared` predictor also
    prepares them then.
    """
    size, predict = predictor.batch_size, predictor.batch
    if isinstance(predictor, Prepared):
        predict = predictor.predict
        images = ((label, predictor.prepare(image)) for label, image in images)
    for part in batched(ahead(images, size), size):
        labels, arrays = zip(*part)
        yield from zip(labels, predict(list(arrays)))


def show_progress(label: str, seconds: float = 5) -> Callable[[int, int], None]:
    """A function (images done, all images) that prints them now and then, and at the end."""
    began = printed = time.perf_counter()

    def progress(done: int, count: int) -> None:
        nonlocal printed
        now = time.perf_counter()
        if now - printed > seconds or done == count:
            printed, rate = now, done / (now - began)
            text = f"{done} / {count}, {rate:.2f} images/s, {(count - done) / rate:.0f} s left"
            print(f"{label}: {text}", flush=True)

    return progress
