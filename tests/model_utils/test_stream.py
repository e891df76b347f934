"""The sample stream: a pure function of (seed, step), disjoint over ranks, complete over epochs."""

import numpy as np
import pytest

from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.stream import SampleStream


class Numbers:
    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def name(self, index):
        return f"n{index}"

    def load(self, index, rng):
        return np.int64([index]), np.float64([rng.random()])


def collect(stream, start, stop, **options):
    data = stream.batches(start, stop, ("index", "noise"), **options)
    return [
        tuple(a.ravel().tolist() for a in row)
        for row in data.create_tuple_iterator(output_numpy=True)
    ]


def test_an_epoch_holds_every_sample_once_in_a_new_order():
    stream = SampleStream(Numbers(12), 3, seed=5)
    epochs = [
        np.concatenate([stream.indices(s) for s in range(e * 4, e * 4 + 4)]) for e in range(2)
    ]
    assert [sorted(epoch) for epoch in epochs] == [list(range(12))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()


def test_ranks_share_each_step_without_overlap():
    ranks = [SampleStream(Numbers(24), 2, 1, rank, 4) for rank in range(4)]
    whole = SampleStream(Numbers(24), 8, 1)
    for step in range(6):
        parts = np.concatenate([rank.indices(step) for rank in ranks])
        assert parts.tolist() == whole.indices(step).tolist()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_that_goes_on_equals_one_that_never_stopped(workers):
    stream = SampleStream(Numbers(10), 3, seed=2)
    whole = collect(stream, 0, 8)
    assert collect(stream, 0, 5, workers=workers) + collect(stream, 5, 8, workers=workers) == whole
    assert collect(SampleStream(Numbers(10), 3, seed=2), 0, 8, processes=workers > 1) == whole


def test_noise_differs_between_epochs_samples_and_seeds():
    noise = {}
    for seed in (1, 2):
        for step, (indices, values) in enumerate(collect(SampleStream(Numbers(4), 2, seed), 0, 4)):
            noise.update({(seed, step // 2, i): v for i, v in zip(indices, values)})
    assert len(noise) == 16 and len(set(noise.values())) == 16


def test_names_are_those_of_the_batch():
    stream = SampleStream(Numbers(9), 4, seed=0)
    assert stream.names(3) == [f"n{index}" for index in stream.indices(3)]


def test_too_few_samples_are_refused():
    with pytest.raises(InputError, match="3 samples are fewer than batch_size 2 x 2 ranks"):
        SampleStream(Numbers(3), 2, 0, 1, 2)
