"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Training samples as a pure function of (seed, position): a run can stop at any step and go on with
exactly the samples that an uninterrupted run would have seen, for any number of workers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import mindspore.dataset as ds
import numpy as np

from .errors import InputError

# Keeps the random numbers of a step apart from those of a sample.
_STEP = 1


class Samples(Protocol):
    """A dataset: samples in random access, each a dict of named arrays.

    A model that draws something once per batch (a crop, a scale) also has
    `draw_batch(rng) -> Any`; its result is the third argument of every `load` of that step, on
    every rank.
    """

    def __len__(self) -> int: ...

    def load(self, index: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """One sample; `rng` is its own, for augmentation."""

    def name(self, index: int) -> str:
        """The file of a sample, for messages."""


class Subset:
    """Some samples of a dataset.

    Args:
        samples: the dataset.
        indices: which of its samples, in this order.
    """

    def __init__(self, samples: Samples, indices: Sequence[int]):
        self.samples, self.indices = samples, np.asarray(indices)
        if hasattr(samples, "draw_batch"):
            self.draw_batch = samples.draw_batch

    def __len__(self) -> int:
        return len(self.indices)

    def load(self, index: int, rng: np.random.Generator, *drawn: Any) -> dict[str, np.ndarray]:
        return self.samples.load(int(self.indices[index]), rng, *drawn)

    def name(self, index: int) -> str:
        return self.samples.name(int(self.indices[index]))


class SampleStream:
    """Random-access view of a dataset shuffled anew each epoch, cut into steps and ranks.

    Args:
        samples: the dataset.
        batch_size: samples per step on each rank; an epoch's incomplete last step is left out.
        seed: together with the epoch it fixes the order, with epoch and index the augmentation.
        rank, size: this rank's share; the ranks' shares of a step are disjoint.
        shuffle: False keeps the dataset's order, and draws the same numbers in every epoch.
    Raises:
        InputError: fewer samples than one step needs.
    """

    def __init__(
        self,
        samples: Samples,
        batch_size: int,
        seed: int,
        rank: int = 0,
        size: int = 1,
        shuffle: bool = True,
    ):
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self.rank, self.size, self.shuffle = rank, size, shuffle
        self.steps_per_epoch = len(samples) // (batch_size * size)
        if not self.steps_per_epoch:
            need = f"batch_size {batch_size} x {size} ranks"
            raise InputError(f"{len(samples)} samples are fewer than {need}; lower batch_size")
        self._order = (None, None)

    def identity(self) -> dict[str, int]:
        """What must be equal for a step number to mean the same samples."""
        batch = self.batch_size * self.size
        return {"samples": len(self.samples), "global_batch": batch, "seed": self.seed}

    def indices(self, step: int) -> np.ndarray:
        """Dataset indices of this rank's batch at a step: (batch_size,) int."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._order[0] != epoch:
            order = np.arange(len(self.samples))
            if self.shuffle:
                order = np.random.default_rng([self.seed, epoch]).permutation(len(self.samples))
            self._order = (epoch, order)
        start = (within * self.size + self.rank) * self.batch_size
        return self._order[1][start : start + self.batch_size]

    def names(self, step: int) -> list[str]:
        """Names of the files of this rank's batch, for messages."""
        return [self.samples.name(int(index)) for index in self.indices(step)]

    def load(self, step: int, place: int) -> dict[str, np.ndarray]:
        """Sample number `place` of this rank's batch at a step."""
        index = int(self.indices(step)[place])
        epoch = step // self.steps_per_epoch if self.shuffle else 0
        rng = np.random.default_rng([self.seed, epoch, index])
        if not hasattr(self.samples, "draw_batch"):
            return self.samples.load(index, rng)
        of_batch = np.random.default_rng([self.seed, epoch, step % self.steps_per_epoch, _STEP])
        return self.samples.load(index, rng, self.samples.draw_batch(of_batch))

    def batches(
        self,
        start: int,
        stop: int,
        fields: Sequence[str],
        workers: int = 1,
        processes: bool = False,
    ) -> ds.Dataset:
        """MindSpore dataset of the batches of steps start..stop-1.

        Args:
            fields: names of the arrays wanted of each sample, in the order of the columns.
            workers: parallel loaders; `processes` makes them processes instead of threads.
        """
        source = _Range(self, start, stop, tuple(fields))
        workers = min(workers, os.cpu_count())  # MindSpore refuses more
        options = {"num_parallel_workers": workers, "python_multiprocessing": processes}
        data = ds.GeneratorDataset(source, list(fields), shuffle=False, **options)
        return data.batch(self.batch_size, drop_remainder=True)


class _Range:
    def __init__(self, stream, start, stop, fields):
        self.stream, self.start, self.stop, self.fields = stream, start, stop, fields

    def __len__(self):
        return (self.stop - self.start) * self.stream.batch_size

    def __getitem__(self, position):
        step, place = divmod(int(position), self.stream.batch_size)
        sample = self.stream.load(self.start + step, place)
        return tuple(sample[field] for field in self.fields)


def readable(data: ds.Dataset) -> Iterator[tuple]:
    """The batches of one pass as tuples of tensors.

    Raises:
        InputError: that of a sample, which MindSpore buries in an error of its loaders.
    """
    try:
        yield from data.create_tuple_iterator(num_epochs=1)
    except RuntimeError as err:
        found = re.findall(r"InputError: (.+)", str(err))
        if not found:
            raise
        raise InputError(found[-1]) from None  # several loaders nest it
