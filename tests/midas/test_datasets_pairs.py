"""Which files form a pair, and the check of all of them before a training."""

import json

import pytest

from midas.src.datasets.pairs import check_pairs, depth_file, pairs_from_list, pairs_from_mixdata
from midas.src.model_utils.errors import InputError
from tests.midas.pair_files import read_pairs, write_pair


def write_mix(root, **patterns):
    (root / "mixdata.json").write_text(json.dumps({"img": patterns}))
    return root / "mixdata.json"


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


def test_hidden_files_and_folders_are_no_images(tmp_path):
    write_pair(tmp_path, "a")
    write_pair(tmp_path, ".a")
    (tmp_path / "Imgs" / "more").mkdir()
    path = write_mix(tmp_path, one="/Imgs/*")
    assert [image.name for image, _ in pairs_from_mixdata(path, tmp_path)["one"]] == ["a.jpg"]


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
    assert read_pairs(tmp_path, train_list="pairs.txt") == {"train_list": pairs}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("train_list", "Imgs/a.jpg\n", "line 1: expected `image depth`, got 'Imgs/a.jpg'"),
        ("train_list", "# nothing\n", "names no pair"),
        ("train_list", None, "cannot be read"),
        ("mixdata", None, "prepare/make_mixdata.py writes it"),
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
        read_pairs(tmp_path, **{name: "given.txt"})
    assert "given.txt" in str(caught.value) and "\n" not in str(caught.value)


def damage(tmp_path):
    """Every kind of bad pair beside one good one; what is said of each."""
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
    return [
        "RDs/no_depth.png is missing",
        f"RW: the image is missing (its pair: {tmp_path}/RDs/no_image.png",
        "size.jpg is 30x20",
        "Imgs/cut_jpg.jpg is truncated",
        "RDs/cut_png.png is empty, broken",
        "Imgs/empty.jpg is empty, broken",
        "RDs/flipped.png is empty, broken",
        "Imgs/text.jpg is empty, broken",
    ]


def test_every_bad_file_is_listed_by_name(tmp_path, capsys):
    expected = damage(tmp_path)
    with pytest.raises(InputError, match="8 of 9 samples in .* are bad, first: .*--skip_bad"):
        read_pairs(tmp_path)
    lines = [line for line in capsys.readouterr().out.splitlines() if "bad sample: " in line]
    assert len(lines) == len(expected)
    for text in expected:
        assert sum(text in line for line in lines) == 1, (text, lines)


def test_bad_files_can_be_left_out(tmp_path, capsys):
    damage(tmp_path)
    good = tmp_path / "Imgs/good.jpg", tmp_path / "RDs/good.png"
    assert read_pairs(tmp_path, skip_bad=True) == {"RW": [good]}
    assert "left out 8 bad samples" in capsys.readouterr().out


def test_a_dataset_without_a_good_pair_is_an_error_either_way(tmp_path):
    image, depth = write_pair(tmp_path, "a")
    depth.unlink()
    with pytest.raises(InputError, match="1 of 1 samples in .* are bad, first: .*a.png is missing"):
        check_pairs({"RW": [(image, depth)]}, skip_bad=True)
    both = {"good": [write_pair(tmp_path, "b")], "RW": [(image, depth)]}
    with pytest.raises(InputError, match="RW: none of 1 pairs is good"):
        check_pairs(both, skip_bad=True)
