"""Training pairs: matching, the check of the files, equal sampling, masks and flips."""

import json
from collections import Counter
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from midas.src.dataset import COLUMNS, MixedPairs, training_data
from midas.src.model_utils.errors import InputError
from midas.src.model_utils.stream import SampleStream
from midas.src.datasets.pairs import check_pairs, depth_file, pairs_from_list, pairs_from_mixdata

SIZE = (64, 32)
UNIT = ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])


def write_pair(root, name, value=100, shape=(20, 30), depth_shape=None):
    """<root>/Imgs/<name>.jpg in one grey and <root>/RDs/<name>.png with 0 in its left half."""
    image, depth = root / "Imgs" / f"{name}.jpg", root / "RDs" / f"{name}.png"
    for path in (image, depth):
        path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(image), np.full((*shape, 3), value, np.uint8))
    target = np.full(depth_shape or shape, 200, np.uint8)
    target[:, : target.shape[1] // 2] = 0
    cv2.imwrite(str(depth), target)
    return image, depth


def write_mix(root, **patterns):
    (root / "mixdata.json").write_text(json.dumps({"img": patterns}))
    return root / "mixdata.json"


def config(root, **changes):
    values = {
        "train_data_dir": root,
        "mixdata": "mixdata.json",
        "train_list": "",
        "skip_bad_samples": False,
        "img_width": SIZE[0],
        "img_height": SIZE[1],
        "keep_aspect_ratio": False,
        "ensure_multiple_of": 32,
        "resize_method": "upper_bound",
        "nm_img_mean": UNIT[0],
        "nm_img_std": UNIT[1],
        "mask_invalid": True,
        "flip_probability": 0.0,
    }
    return SimpleNamespace(**{**values, **changes})


@pytest.mark.parametrize(
    ("image", "depth"),
    [
        ("A/Imgs/a.jpg", "A/RDs/a.png"),
        ("Imgs.old/jpg/Imgs/jpg.jpg", "Imgs.old/jpg/RDs/jpg.png"),
        ("Imgs/x/Imgs/my.Imgs.jpeg", "Imgs/x/RDs/my.Imgs.png"),
        ("A/Imgs/deep/er/a.jpg", "A/RDs/deep/er/a.png"),
    ],
)
def test_only_the_folder_and_the_ending_change(image, depth):
    assert depth_file(image).as_posix() == depth


def test_no_target_outside_an_imgs_folder():
    assert depth_file("A/pictures/Imgs.jpg") is None


def test_mixdata_with_two_datasets(tmp_path):
    for name in ("b", "a"):
        write_pair(tmp_path / "One", name)
    write_pair(tmp_path / "deep" / "Two", "c")
    path = write_mix(tmp_path, one="/One/Imgs/*", two="/deep/*/Imgs/*.jpg")
    datasets = pairs_from_mixdata(path, tmp_path)
    names = {key: [image.stem for image, _ in pairs] for key, pairs in datasets.items()}
    assert names == {"one": ["a", "b"], "two": ["c"]}
    assert all(depth.is_file() for pairs in datasets.values() for _, depth in pairs)


def test_other_folder_names_pair_by_the_depth_pattern(tmp_path):
    image, depth = write_pair(tmp_path, "a")
    (tmp_path / "rgb").mkdir()
    (tmp_path / "disparity").mkdir()
    image, depth = image.rename(tmp_path / "rgb/a.jpg"), depth.rename(tmp_path / "disparity/a.png")
    mix = {"img": {"X": "rgb/*"}, "depth": {"X": "disparity/*"}}
    (tmp_path / "mixdata.json").write_text(json.dumps(mix))
    assert pairs_from_mixdata(tmp_path / "mixdata.json", tmp_path) == {"X": [(image, depth)]}


def test_list_file(tmp_path):
    write_pair(tmp_path, "a")
    write_pair(tmp_path, "b c")
    text = "# image depth\n\nImgs/a.jpg RDs/a.png\nImgs/b c.jpg\tRDs/b c.png\n"
    (tmp_path / "pairs.txt").write_text(text)
    pairs = pairs_from_list(tmp_path / "pairs.txt", tmp_path)
    assert [(i.name, d.name) for i, d in pairs] == [("a.jpg", "a.png"), ("b c.jpg", "b c.png")]
    data = training_data(config(tmp_path, train_list="pairs.txt"))
    assert len(data) == 2 and data.name(1) == str(tmp_path / "Imgs/b c.jpg")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train_list", "Imgs/a.jpg\n", "line 1: expected `image depth`, got 'Imgs/a.jpg'"),
        ("train_list", "# nothing\n", "names no pair"),
        ("train_list", None, "cannot be read"),
        ("mixdata", None, "preprocess/make_mixdata.py writes it"),
        ("mixdata", "{", "must be JSON like"),
        ("mixdata", '{"depth": {}}', "must be JSON like"),
        ("mixdata", '{"img": ["a"]}', "must be JSON like"),
        ("mixdata", '{"img": {"RW": "/none/*"}}', "the img pattern of RW finds no file"),
    ],
)
def test_bad_lists_are_named(tmp_path, name, text, message):
    file = tmp_path / "given.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        training_data(config(tmp_path, **{name: "given.txt"}))
    assert "given.txt" in str(caught.value) and "\n" not in str(caught.value)


def damage(tmp_path):
    """Every kind of bad pair beside one good one: {word of the message: file that it names}."""
    write_pair(tmp_path, "good")
    (write_pair(tmp_path, "no_depth")[1]).unlink()
    (write_pair(tmp_path, "no_image")[0]).unlink()
    write_pair(tmp_path, "size", depth_shape=(20, 31))
    for name, index in (("cut_jpg", 0), ("cut_png", 1), ("empty", 0)):
        path = write_pair(tmp_path, name)[index]
        data = path.read_bytes()
        path.write_bytes(data[: 0 if name == "empty" else len(data) - 20])
    flipped = write_pair(tmp_path, "flipped")[1]
    data = bytearray(flipped.read_bytes())
    data[50] ^= 255
    flipped.write_bytes(bytes(data))
    write_pair(tmp_path, "text")[0].write_text("not an image")
    mix = {"img": {"RW": "/Imgs/*"}, "depth": {"RW": "/RDs/*"}}
    (tmp_path / "mixdata.json").write_text(json.dumps(mix))
    return {
        "RDs/no_depth.png: missing": 1,
        "RDs/no_image.png": 1,
        "size.jpg is 30x20": 1,
        "Imgs/cut_jpg.jpg: truncated": 1,
        "RDs/cut_png.png: ": 1,
        "Imgs/empty.jpg: broken": 1,
        "RDs/flipped.png: broken": 1,
        "Imgs/text.jpg: broken": 1,
    }


def test_every_bad_file_is_listed_by_name(tmp_path, capsys):
    expected = damage(tmp_path)
    with pytest.raises(InputError, match="8 of 9 samples are bad, first: .*--skip_bad_samples"):
        training_data(config(tmp_path))
    lines = [line for line in capsys.readouterr().out.splitlines() if "bad sample: " in line]
    assert len(lines) == len(expected)
    for text in expected:
        assert sum(text in line for line in lines) == 1, (text, lines)


def test_bad_files_can_be_left_out(tmp_path, capsys):
    damage(tmp_path)
    data = training_data(config(tmp_path, skip_bad_samples=True))
    assert [data.name(i) for i in range(len(data))] == [str(tmp_path / "Imgs/good.jpg")]
    assert "left out 8 bad samples" in capsys.readouterr().out


def test_a_dataset_without_a_good_pair_is_an_error_either_way(tmp_path):
    image, depth = write_pair(tmp_path, "a")
    depth.unlink()
    with pytest.raises(InputError, match="RW: none of 1 pairs is good, first: .*a.png: missing"):
        check_pairs({"RW": [(image, depth)]}, skip_bad=True)


def test_keep_aspect_ratio_is_refused(tmp_path):
    with pytest.raises(InputError, match="keep_aspect_ratio"):
        training_data(config(tmp_path, keep_aspect_ratio=True))


def mixed(tmp_path, counts, **options):
    datasets = {}
    for number, count in enumerate(counts):
        root, value = tmp_path / f"set{number}", 50 + 100 * number
        datasets[f"set{number}"] = [write_pair(root, f"{i}", value) for i in range(count)]
    options = {"mask_invalid": True, "flip_probability": 0.0, **options}
    return MixedPairs(datasets, SIZE, *UNIT, **options)


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


def test_one_dataset_is_seen_once_an_epoch(tmp_path):
    data = mixed(tmp_path, (5,))
    assert sorted(data.name(i)[-5:] for i in range(len(data))) == [f"{i}.jpg" for i in range(5)]


def test_mask_and_depth_of_a_sample(tmp_path):
    image, mask, depth = mixed(tmp_path, (1,)).load(0, np.random.default_rng(0))
    assert image.shape == (3, 32, 64) and mask.shape == depth.shape == (32, 64)
    assert {array.dtype for array in (image, mask, depth)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(image, 50 / 255, atol=2 / 255)
    np.testing.assert_array_equal(mask, depth > 0)
    assert mask.mean() == 0.5 and set(np.unique(depth)) == {0, 200}
    _, ones, _ = mixed(tmp_path, (1,), mask_invalid=False).load(0, np.random.default_rng(0))
    assert ones.mean() == 1


def test_flips_move_image_mask_and_depth_together(tmp_path):
    root = tmp_path / "set0"
    image, depth = write_pair(root, "a")
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[:, 15:] = 255  # bright where the depth is known
    cv2.imwrite(str(image), picture)
    data = MixedPairs({"A": [(image, depth)]}, SIZE, *UNIT, True, 0.5)
    sides = Counter()
    for seed in range(40):
        got, mask, target = data.load(0, np.random.default_rng(seed))
        right = bool(mask[:, -1].all())
        sides[right] += 1
        assert (got[0, 16, -4] > 0.9) == right and (got[0, 16, 4] > 0.9) != right
        np.testing.assert_array_equal(mask, target > 0)
    assert 10 <= sides[True] <= 30


def test_a_file_that_breaks_during_training_is_named(tmp_path):
    image, depth = write_pair(tmp_path, "a")
    data = MixedPairs({"A": [(image, depth)]}, SIZE, *UNIT, True, 0.0)
    depth.write_bytes(b"")
    with pytest.raises(InputError, match="a.png"):
        data.load(0, np.random.default_rng(0))
    cv2.imwrite(str(depth), np.ones((21, 30), np.uint8))
    with pytest.raises(InputError, match=r"a.jpg \(20, 30\) and .*a.png \(21, 30\)"):
        data.load(0, np.random.default_rng(0))


@pytest.mark.parametrize("processes", [False, True])
def test_batches_reach_mindspore(midas_data, processes):
    root = midas_data
    stream = SampleStream(training_data(config(root)), batch_size=2, seed=3)
    batches = stream.batches(1, 3, COLUMNS, workers=2, processes=processes)
    rows = list(batches.create_tuple_iterator(num_epochs=1, output_numpy=True))
    assert [array.shape for array in rows[0]] == [(2, 3, 32, 64), (2, 32, 64), (2, 32, 64)]
    first = stream.samples.load(int(stream.indices(1)[0]), np.random.default_rng([3, 0, 0]))
    np.testing.assert_array_equal(rows[0][2][0], first[2])
