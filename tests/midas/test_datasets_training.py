"""Training samples: equal sampling of datasets, masks, flips, files that break."""

from collections import Counter

import cv2
import numpy as np
import pytest

from midas.src.datasets.training import MixedPairs, read_target
from midas.src.model_utils.errors import InputError
from midas.src.model_utils.stream import SampleStream
from tests.midas.made_images import what_a_reader_sees
from tests.midas.pair_files import read_pairs, write_pair

FIELDS = ("img", "mask", "depth")
PLAIN = {
    "size": (64, 32),
    "mean": [0.0, 0.0, 0.0],
    "std": [1.0, 1.0, 1.0],
    "mask_invalid": True,
    "flip_probability": 0.0,
}


def samples_of(datasets, **options):
    return MixedPairs(datasets, **{**PLAIN, **options})


def fields(sample):
    assert tuple(sample) == FIELDS
    return sample.values()


def mixed(tmp_path, counts, **options):
    datasets = {}
    for number, count in enumerate(counts):
        root, value = tmp_path / f"set{number}", 50 + 100 * number
        datasets[f"set{number}"] = [write_pair(root, f"{i}", value) for i in range(count)]
    return samples_of(datasets, **options)


def test_a_shuffled_epoch_samples_two_datasets_equally(tmp_path):
    data = mixed(tmp_path, (7, 3))
    assert len(data) == 14
    stream = SampleStream(data, batch_size=2, seed=0)
    assert stream.steps_per_epoch == 7
    for epoch in range(2):
        names = [n for step in range(7) for n in stream.names(step + 7 * epoch)]
        sets = Counter(name.split("/")[-3] for name in names)
        assert sets == {"set0": 7, "set1": 7}
        each = Counter(names)
        large = [count for name, count in each.items() if "/set0/" in name]
        small = sorted(count for name, count in each.items() if "/set1/" in name)
        assert large == [1] * 7 and small == [2, 2, 3]


def test_loaders_do_not_compete_with_threads_of_opencv(tmp_path):
    cv2.setNumThreads(2)
    mixed(tmp_path, (1,))
    assert cv2.getNumThreads() == 1


def test_one_dataset_is_seen_once_per_epoch(tmp_path):
    data = mixed(tmp_path, (5,))
    assert sorted(data.name(i)[-5:] for i in range(len(data))) == [f"{i}.jpg" for i in range(5)]


def test_samples_of_several_datasets_take_turns(tmp_path):
    """Index i is sample i // 2 of dataset i % 2; the smaller one repeats."""
    data = mixed(tmp_path, (3, 2))
    names = ["/".join(data.name(i).split("/")[-3::2]) for i in range(len(data))]
    assert names == [
        *("set0/0.jpg", "set1/0.jpg", "set0/1.jpg", "set1/1.jpg", "set0/2.jpg", "set1/0.jpg")
    ]


def test_targets_of_every_kind_of_png_have_one_range(tmp_path):
    """8 bits as they are, 16 bits by 257, the first channel of several."""
    path = tmp_path / "a.png"
    for values, expected in (
        (np.array([[0, 7, 255]], np.uint8), [[0, 7, 255]]),
        (np.array([[0, 257, 65535]], np.uint16), [[0, 1, 255]]),
        (np.array([[[9, 8, 7], [3, 2, 1]]], np.uint8), [[9, 3]]),  # blue, as in the original
    ):
        cv2.imwrite(str(path), values)
        target = read_target(path)
        assert target.dtype == np.float32
        np.testing.assert_array_equal(target, expected)


def test_the_pairs_are_counted(tmp_path, capsys):
    for name in ("a", "b"):
        write_pair(tmp_path, name)
    (tmp_path / "mixdata.json").write_text('{"img": {"RW": "/Imgs/*"}}')
    assert len(read_pairs(tmp_path)["RW"]) == 2
    assert "training pairs: RW 2\n" in capsys.readouterr().out


def test_bad_pairs_are_refused_unless_they_may_be_left_out(tmp_path):
    image, _ = write_pair(tmp_path, "a")
    write_pair(tmp_path, "b")
    (tmp_path / "mixdata.json").write_text('{"img": {"RW": "/Imgs/*"}}')
    image.write_bytes(b"")
    with pytest.raises(InputError, match="1 of 2 samples in .* are bad, first: .*a.jpg"):
        read_pairs(tmp_path)
    assert len(read_pairs(tmp_path, skip_bad=True)["RW"]) == 1


def test_the_pairs_are_counted_before_the_network_is_built(tmp_path, monkeypatch):
    write_pair(tmp_path, "a")
    (tmp_path / "mixdata.json").write_text('{"img": {"RW": "/Imgs/*"}}')
    seen = what_a_reader_sees(monkeypatch)
    read_pairs(tmp_path)
    assert seen() == "training pairs: RW 1\n"


def test_mask_and_depth_of_a_sample(tmp_path):
    image, mask, depth = fields(mixed(tmp_path, (1,)).load(0, np.random.default_rng(0)))
    assert image.shape == (3, 32, 64) and mask.shape == depth.shape == (32, 64)
    assert {array.dtype for array in (image, mask, depth)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(image, 50 / 255, atol=2 / 255)
    np.testing.assert_array_equal(mask, depth > 0)
    assert mask.mean() == 0.5 and set(np.unique(depth)) == {0, 200}
    sample = mixed(tmp_path, (1,), mask_invalid=False).load(0, np.random.default_rng(0))
    assert sample["mask"].mean() == 1


def test_the_farthest_depth_counts(tmp_path):
    """Inverse depth is 1..255, and 0 where there is none."""
    image, depth = write_pair(tmp_path, "a")
    target = np.ones((20, 30), np.uint8)
    target[:, :15] = 0
    cv2.imwrite(str(depth), target)
    sample = samples_of({"A": [(image, depth)]}).load(0, np.random.default_rng(0))
    assert sample["mask"].mean() == 0.5 and sample["depth"].max() == 1


def test_flips_move_image_mask_and_depth_together(tmp_path):
    root = tmp_path / "set0"
    image, depth = write_pair(root, "a")
    values = np.zeros((20, 30, 3), np.uint8)
    values[:, 15:] = 255  # bright where the depth is known
    cv2.imwrite(str(image), values)
    data = samples_of({"A": [(image, depth)]}, flip_probability=0.5)
    sides = Counter()
    for seed in range(40):
        got, mask, target = fields(data.load(0, np.random.default_rng(seed)))
        right = bool(mask[:, -1].all())
        sides[right] += 1
        assert (got[0, 16, -4] > 0.9) == right and (got[0, 16, 4] > 0.9) != right
        np.testing.assert_array_equal(mask, target > 0)
    assert 10 <= sides[True] <= 30


class Draw:
    """A generator that draws a certain number."""

    def __init__(self, value):
        self.value = value

    def random(self):
        return self.value


def test_the_probability_of_a_flip_is_the_share_of_draws_below_it(tmp_path):
    pairs = {"A": [write_pair(tmp_path, "a")]}
    for probability, draws in ((0.0, [0.0, 0.99]), (0.5, [0.0, 0.49, 0.5]), (1.0, [0.0, 0.99])):
        data = samples_of(pairs, flip_probability=probability)
        for draw in draws:
            flipped = data.load(0, Draw(draw))["mask"][0, 0] == 1  # the known half lies right
            assert flipped == (draw < probability), (probability, draw)


def test_a_file_that_breaks_during_training_is_named(tmp_path):
    image, depth = write_pair(tmp_path, "a")
    data = samples_of({"A": [(image, depth)]})
    depth.write_bytes(b"")
    with pytest.raises(InputError, match="a.png"):
        data.load(0, np.random.default_rng(0))
    cv2.imwrite(str(depth), np.ones((21, 30), np.uint8))
    with pytest.raises(InputError, match=r"a.jpg \(20, 30\) and .*a.png \(21, 30\)"):
        data.load(0, np.random.default_rng(0))


@pytest.mark.parametrize("processes", [False, True])
def test_batches_reach_mindspore(midas_data, processes):
    data = samples_of(read_pairs(midas_data))
    stream = SampleStream(data, batch_size=2, seed=3)
    batches = stream.batches(1, 3, FIELDS, workers=2, processes=processes)
    rows = list(batches.create_tuple_iterator(num_epochs=1, output_numpy=True))
    assert [array.shape for array in rows[0]] == [(2, 3, 32, 64), (2, 32, 64), (2, 32, 64)]
    first = stream.samples.load(int(stream.indices(1)[0]), np.random.default_rng([3, 0, 0]))
    np.testing.assert_array_equal(rows[0][2][0], first["depth"])
