"""Samples of strips: their arrays, one draw per batch, what opening a folder tells."""

import shutil

import numpy as np
import pytest
from PIL import Image

from geonet.src.datasets import AugmentedStrips, Strips, open_strips
from geonet.src.datasets.strip_files import StripSize
from geonet.src.datasets.strips import read_strip
from geonet.src.model_utils.errors import InputError
from geonet.src.model_utils.stream import SampleStream, Subset, readable
from geonet.src.transforms import Augmentation
from tests.synthetic.__main__ import main

SIZE = {"img_height": 128, "img_width": 416, "seq_length": 3}
PLAIN = {"random_scale_crop": False, "random_color": False}


@pytest.fixture
def folder(strips, tmp_path):
    """A folder of strips that a test may change."""
    return shutil.copytree(strips / "train", tmp_path / "train")


def frames_of(path, count=3):
    """The frames of a strip, (count, 3, H, W), by Pillow alone."""
    with Image.open(path) as strip:
        width = strip.width // count
        images = [strip.crop((n * width, 0, (n + 1) * width, strip.height)) for n in range(count)]
        return np.stack([np.asarray(image).transpose(2, 0, 1) for image in images])


def test_the_arrays_of_a_sample(strips):
    samples, _ = open_strips(strips / "train", **SIZE, **PLAIN)
    sample = samples.load(2, np.random.default_rng(0))
    assert tuple(sample) == samples.fields == ("target", "sources", "K", "inv_K")
    path = strips / "train" / "00" / "000003.jpg"
    assert samples.name(2) == str(path)
    before, target, after = frames_of(path)
    np.testing.assert_array_equal(sample["target"], target)
    np.testing.assert_array_equal(sample["sources"], np.concatenate((before, after)))
    numbers = path.with_name("000003_cam.txt").read_text().split(",")
    np.testing.assert_array_equal(sample["K"], np.float32(numbers).reshape(3, 3))
    assert {values.dtype.name for values in sample.values()} == {"uint8", "float32"}
    np.testing.assert_allclose(sample["K"] @ sample["inv_K"], np.eye(3), atol=1e-5)


def test_five_frames(tmp_path):
    flags = "--sequences 1 --test 1 --frames 7 --height 48 --length 5 --workers 1"
    main(["geonet", str(tmp_path), *flags.split()])
    root = tmp_path / "stageone" / "train"
    samples, _ = open_strips(root, img_height=128, img_width=416, seq_length=5, **PLAIN)
    sample, frames = samples.load(0), frames_of(samples.name(0), 5)
    np.testing.assert_array_equal(sample["target"], frames[2])
    np.testing.assert_array_equal(sample["sources"], np.concatenate(frames[[0, 1, 3, 4]]))
    augmented, _ = open_strips(root, img_height=128, img_width=416, seq_length=5)
    drawn = augmented.draw_batch(np.random.default_rng(0))
    assert augmented.load(0, None, drawn)["sources"].shape == (12, 128, 416)


def test_the_lists_and_their_order(strips, capsys):
    train, val = open_strips(strips / "train", **SIZE)
    assert capsys.readouterr().out == "18 strips to train on, 2 to validate on\n"
    for samples, name in ((train, "train"), (val, "val")):
        lines = (strips / "train" / f"{name}.txt").read_text().split("\n")[:-1]
        paths = [f"{strips / 'train' / line.replace(' ', '/')}.jpg" for line in lines]
        assert [samples.name(index) for index in range(len(samples))] == paths


def test_validation_and_training_without_augmentation_draw_nothing(strips):
    train, val = open_strips(strips / "train", **SIZE)
    assert isinstance(train, AugmentedStrips)
    assert not hasattr(val, "draw_batch")
    plain, _ = open_strips(strips / "train", **SIZE, **PLAIN)
    assert type(plain) is type(val) is Strips


@pytest.mark.parametrize("name", ["random_scale_crop", "random_color"])
def test_each_part_by_itself(strips, name):
    samples, _ = open_strips(strips / "train", **SIZE, **{**PLAIN, name: True})
    drawn = [samples.draw_batch(np.random.default_rng(seed)) for seed in range(20)]
    is_moved = {one.scale_crop is not None for one in drawn}
    is_colored = {one.tables is not None for one in drawn}
    assert (is_moved, is_colored) == (
        ({True}, {False}) if name == "random_scale_crop" else ({False}, {True, False})
    )


@pytest.mark.parametrize("content", [None, "", "\n\n"])
def test_without_validation(folder, capsys, content):
    path = folder / "val.txt"
    path.unlink()
    if content is not None:
        path.write_text(content)
    train, val = open_strips(folder, **SIZE)
    assert (len(train), val) == (18, None)
    line = f"18 strips to train on, no validation: {path} is missing or empty\n"
    assert capsys.readouterr().out == line


def test_lines_of_windows(folder):
    for name in ("train", "val"):
        text = (folder / f"{name}.txt").read_text()
        (folder / f"{name}.txt").write_bytes(text.replace("\n", "\r\n").encode())
    train, val = open_strips(folder, **SIZE)
    assert (len(train), len(val)) == (18, 2)
    assert train.name(0) == str(folder / "00" / "000001.jpg")


def test_one_draw_for_a_batch_and_another_for_the_next(folder):
    (folder / "train.txt").write_text("00 000001\n" * 8)
    samples, _ = open_strips(folder, **SIZE)
    stream = SampleStream(samples, 4, 8964)
    batches = [[stream.load(step, place) for place in range(4)] for step in range(2)]
    for field in samples.fields:
        for batch in batches:
            assert all((sample[field] == batch[0][field]).all() for sample in batch)
    assert (batches[0][0]["K"] != batches[1][0]["K"]).any()
    again = SampleStream(samples, 4, 8964).load(1, 2)
    np.testing.assert_array_equal(again["sources"], batches[1][2]["sources"])


def test_a_draw_acts_on_images_and_camera(strips):
    samples, _ = open_strips(strips / "train", **SIZE)
    plain = Strips(samples.files, samples.size).load(5)
    units = np.random.default_rng(3).random(Augmentation.draws(3))
    drawn = samples.draw_batch(np.random.default_rng(3))
    expected = Augmentation.of(units, 128, 416)
    assert drawn.scale_crop == expected.scale_crop
    sample = samples.load(5, None, drawn)
    stack = np.concatenate((plain["target"], plain["sources"]))
    np.testing.assert_array_equal(sample["target"], expected.image(stack)[:3])
    np.testing.assert_array_equal(sample["sources"], expected.image(stack)[3:])
    np.testing.assert_array_equal(sample["K"], expected.camera(plain["K"]))
    np.testing.assert_allclose(sample["K"] @ sample["inv_K"], np.eye(3), atol=1e-5)


def test_batches_of_mindspore(strips):
    samples, _ = open_strips(strips / "train", **SIZE)
    stream = SampleStream(Subset(samples, range(4)), 2, 8964)
    data = stream.batches(0, 2, samples.fields, workers=2)
    first = next(iter(data.create_tuple_iterator(num_epochs=1, output_numpy=True)))
    assert [values.shape for values in first] == [
        *((2, 3, 128, 416), (2, 6, 128, 416), (2, 3, 3), (2, 3, 3))
    ]
    for place in range(2):
        for values, expected in zip(first, stream.load(0, place).values()):
            np.testing.assert_array_equal(values[place], expected)


def test_what_breaks_after_the_start_is_named(folder):
    samples, _ = open_strips(folder, **SIZE)
    data = SampleStream(samples, 1, 0, shuffle=False).batches(0, 1, samples.fields)
    path = folder / "00" / "000001.jpg"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match=r"00/000001\.jpg is truncated or damaged"):
        list(readable(data))
    path.unlink()
    with pytest.raises(InputError, match=r"00/000001\.jpg is missing"):
        samples.load(0, None, samples.draw_batch(np.random.default_rng(0)))


def test_a_grey_image_has_three_equal_channels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 24), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "grey.jpg")
    found = read_strip(tmp_path / "grey.jpg", StripSize(8, 8, 3))
    with Image.open(tmp_path / "grey.jpg") as image:
        np.testing.assert_array_equal(found, np.repeat(np.asarray(image)[..., None], 3, 2))


def test_an_image_of_another_size_is_refused_before_it_is_decoded(tmp_path):
    Image.new("RGB", (27, 8)).save(tmp_path / "a.jpg")
    with pytest.raises(InputError, match=r"a\.jpg is 27x8, expected 24x8"):
        read_strip(tmp_path / "a.jpg", StripSize(8, 8, 3))


def test_a_folder_without_a_list(strips, tmp_path):
    with pytest.raises(InputError, match="nowhere is not a folder; give the folder with train.txt"):
        open_strips(tmp_path / "nowhere", **SIZE)
    with pytest.raises(InputError, match=r"train\.txt is missing; prepare/prepare_train_data\.py"):
        open_strips(tmp_path, **SIZE)
    with pytest.raises(InputError, match=f"is there: give --dataset_dir {strips / 'train'}$"):
        open_strips(strips, **SIZE)
