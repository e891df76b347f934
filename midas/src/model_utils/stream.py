"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Training samples as a pure function of (seed, position): a run can stop at any step and go on with
exactly the samples that an uninterrupted run would have seen, for any number of workers.
"""

import os

import mindspore.dataset as ds
import numpy as np

from .config import InputError


class SampleStream:
    """Random-access view of a dataset shuffled anew each epoch, cut into steps and ranks.

    Args:
        samples: object with `__len__`, `load(index, rng) -> tuple of numpy arrays` (rng: the
            sample's own numpy Generator) and `name(index) -> str`.
        batch_size: samples a step on each rank; an epoch's incomplete last step is left out.
        seed: together with the epoch it fixes the order, with epoch and index the augmentation.
        rank, size: this rank's share; the ranks' shares of a step are disjoint.
    Raises:
        InputError: fewer samples than one step needs.
    """

    def __init__(self, samples, batch_size, seed, rank=0, size=1):
        self.samples, self.batch_size, self.seed = samples, batch_size, seed
        self.rank, self.size = rank, size
        self.steps_per_epoch = len(samples) // (batch_size * size)
        if not self.steps_per_epoch:
            need = f"batch_size {batch_size} x {size} ranks"
            raise InputError(f"{len(samples)} samples are fewer than {need}; lower batch_size")
        self._order = (None, None)

    def identity(self):
        """What must be equal for a step number to mean the same samples."""
        batch = self.batch_size * self.size
        return {"samples": len(self.samples), "global_batch": batch, "seed": self.seed}

    def indices(self, step):
        """Dataset indices of this rank's batch at a step: (batch_size,) int."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._order[0] != epoch:
            order = np.random.default_rng([self.seed, epoch]).permutation(len(self.samples))
            self._order = (epoch, order)
        start = (within * self.size + self.rank) * self.batch_size
        return self._order[1][start : start + self.batch_size]

    def names(self, step):
        """Names of the files behind this rank's batch, for messages."""
        return [self.samples.name(int(index)) for index in self.indices(step)]

    def batches(self, start, stop, columns, workers=1, processes=False):
        """MindSpore dataset of the batches of steps start..stop-1.

        Args:
            columns: names of what `load` returns.
            workers: parallel loaders; `processes` makes them processes instead of threads.
        """
        source = _Range(self, start, stop)
        workers = min(workers, os.cpu_count())  # MindSpore refuses more
        options = {"num_parallel_workers": workers, "python_multiprocessing": processes}
        data = ds.GeneratorDataset(source, list(columns), shuffle=False, **options)
        return data.batch(self.batch_size, drop_remainder=True)


class _Range:
    def __init__(self, stream, start, stop):
        self.stream, self.start, self.stop = stream, start, stop

    def __len__(self):
        return (self.stop - self.start) * self.stream.batch_size

    def __getitem__(self, position):
        stream = self.stream
        step, within = divmod(int(position), stream.batch_size)
        step += self.start
        index = int(stream.indices(step)[within])
        epoch = step // stream.steps_per_epoch
        return stream.samples.load(index, np.random.default_rng([stream.seed, epoch, index]))
