"""The sample stream: a pure function of (seed, step), disjoint over ranks, complete over epochs."""

import mindspore.dataset as ds
import numpy as np
import pytest

from depthnet.src.model_utils.errors import InputError
from depthnet.src.model_utils.stream import SampleStream, Subset, readable


class Numbers:
    """Samples that tell their index and a random number."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def name(self, index):
        return f"n{index}"

    def load(self, index, rng):
        return {"noise": np.float64([rng.random()]), "index": np.int64([index])}


class Drawing(Numbers):
    """Samples that also see a number that is drawn once per batch."""

    def draw_batch(self, rng):
        return rng.random()

    def load(self, index, rng, drawn):
        return {**super().load(index, rng), "drawn": np.float64([drawn])}


def collect(stream, start, stop, **options):
    data = stream.batches(start, stop, ("index", "noise"), **options)
    return [tuple(a.asnumpy().ravel().tolist() for a in row) for row in readable(data)]


def test_an_epoch_holds_every_sample_once_in_a_new_order():
    stream = SampleStream(Numbers(12), 3, seed=5)
    epochs = [
        np.concatenate([stream.indices(s) for s in range(e * 4, e * 4 + 4)]) for e in range(2)
    ]
    assert [sorted(epoch) for epoch in epochs] == [list(range(12))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()


def test_the_order_is_numpy_s_permutation_of_seed_and_epoch():
    """Fixed for good: a state saved today must mean the same samples in the next version."""
    stream = SampleStream(Numbers(7), 2, seed=5)
    for step in range(6):
        order = np.random.default_rng([5, step // 3]).permutation(7)
        first = 2 * (step % 3)
        assert stream.indices(step).tolist() == order[first : first + 2].tolist()
    assert stream.steps_per_epoch == 3


def test_a_sample_s_numbers_come_from_seed_epoch_and_index():
    stream = SampleStream(Numbers(4), 2, seed=9)
    for step in (0, 3):
        for place in (0, 1):
            sample = stream.load(step, place)
            (index,) = sample["index"]
            assert index == stream.indices(step)[place]
            expected = np.random.default_rng([9, step // 2, index]).random()
            assert sample["noise"] == [expected]


def test_what_a_resumed_run_must_have_in_common():
    """Two ranks with batches of 3 see what one rank with batches of 6 sees."""
    wanted = {"samples": 13, "global_batch": 6, "seed": 4}
    assert SampleStream(Numbers(13), 3, 4, rank=1, size=2).identity() == wanted
    assert SampleStream(Numbers(13), 6, 4).identity() == wanted


def test_ranks_share_each_step_without_overlap():
    ranks = [SampleStream(Numbers(24), 2, 1, rank, 4) for rank in range(4)]
    one = SampleStream(Numbers(24), 8, 1)
    for step in range(6):
        parts = np.concatenate([rank.indices(step) for rank in ranks])
        assert parts.tolist() == one.indices(step).tolist()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_that_goes_on_equals_one_that_never_stopped(workers):
    stream = SampleStream(Numbers(10), 3, seed=2)
    straight = collect(stream, 0, 8)
    assert len(straight) == 8 and all(len(row[0]) == 3 for row in straight)
    for step, (indices, _) in enumerate(straight):
        assert indices == stream.indices(step).tolist()
    parts = [collect(stream, *part, workers=workers) for part in ((0, 5), (5, 8))]
    assert parts[0] + parts[1] == straight
    again = SampleStream(Numbers(10), 3, seed=2)
    assert collect(again, 0, 8, processes=workers > 1) == straight


def test_noise_differs_between_epochs_samples_and_seeds():
    noise = {}
    for seed in (1, 2):
        for step, (indices, values) in enumerate(collect(SampleStream(Numbers(4), 2, seed), 0, 4)):
            noise.update({(seed, step // 2, i): v for i, v in zip(indices, values)})
    assert len(noise) == 16 and len(set(noise.values())) == 16


def test_without_shuffling_every_epoch_is_the_same_in_the_dataset_s_order():
    stream = SampleStream(Numbers(5), 2, seed=3, shuffle=False)
    assert [stream.indices(step).tolist() for step in range(4)] == [[0, 1], [2, 3]] * 2
    assert [stream.load(step, 1) for step in (0, 1)] == [stream.load(step, 1) for step in (2, 3)]


def column(stream, step, field):
    return [float(stream.load(step, place)[field][0]) for place in range(stream.batch_size)]


def test_numbers_drawn_once_per_batch_are_the_same_for_all_of_its_samples():
    """And the same on every rank, so that ranks see what one rank with their batch sees."""
    one = SampleStream(Drawing(8), 4, seed=1)
    ranks = [SampleStream(Drawing(8), 2, seed=1, rank=rank, size=2) for rank in range(2)]
    seen = set()
    for step in range(4):
        drawn, own = column(one, step, "drawn"), column(one, step, "noise")
        assert len(set(drawn)) == 1 and len(set(own)) == 4
        assert [v for rank in ranks for v in column(rank, step, "drawn")] == drawn
        assert [v for rank in ranks for v in column(rank, step, "noise")] == own
        seen |= {*drawn, *own}
    assert len(seen) == 4 + 16
    expected = np.random.default_rng([1, 1, 0, 1]).random()  # seed, epoch, step in it, mark
    assert column(one, 2, "drawn") == [expected] * 4


@pytest.mark.parametrize("kind", [Numbers, Drawing])
def test_a_subset_is_those_samples_in_that_order(kind):
    subset = Subset(kind(10), [7, 2, 5])
    assert len(subset) == 3
    assert [subset.name(i) for i in range(3)] == ["n7", "n2", "n5"]
    stream = SampleStream(subset, 3, seed=1, shuffle=False)
    assert column(stream, 0, "index") == [7, 2, 5]
    assert hasattr(subset, "draw_batch") == (kind is Drawing)


def test_names_are_those_of_the_batch():
    stream = SampleStream(Numbers(9), 4, seed=0)
    assert stream.names(3) == [f"n{index}" for index in stream.indices(3)]


@pytest.mark.parametrize(("count", "steps"), [(3, 0), (4, 1), (7, 1), (8, 2)])
def test_too_few_samples_are_refused(count, steps):
    if steps:
        assert SampleStream(Numbers(count), 2, 0, 1, 2).steps_per_epoch == steps
        return
    with pytest.raises(InputError, match="3 samples are fewer than batch_size 2 x 2 ranks; lower"):
        SampleStream(Numbers(count), 2, 0, 1, 2)


class Failing(Numbers):
    def load(self, index, rng):
        raise self.error


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sample_s_own_error_comes_out_of_the_loaders(workers):
    samples = Failing(4)
    samples.error = InputError("a/b.png is truncated")
    with pytest.raises(InputError, match=r"^a/b.png is truncated$"):
        collect(SampleStream(samples, 2, 0), 0, 2, workers=workers)
    samples.error = KeyError("a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        collect(SampleStream(samples, 2, 0), 0, 2, workers=workers)


@pytest.mark.parametrize(
    ("given", "expected"), [({}, (1, False)), ({"workers": 10**6, "processes": True}, (4, True))]
)
def test_loaders_are_asked_for_as_told_but_not_more_than_there_are_cores(
    monkeypatch, given, expected
):
    seen = {}

    def dataset(source, names, **options):
        seen.update(options, names=names)
        return ds.NumpySlicesDataset([0])

    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr(ds, "GeneratorDataset", dataset)
    SampleStream(Numbers(4), 2, 0).batches(0, 1, ("noise",), **given)
    got = seen["num_parallel_workers"], seen["python_multiprocessing"]
    assert got == expected and seen["names"] == ["noise"] and seen["shuffle"] is False
