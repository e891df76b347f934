"""The NYU tree: pairs, order, units, augmentation, and the check that names bad files."""

import shutil

import cv2
import numpy as np
import pytest

from depthnet.src import transforms
from depthnet.src.datasets import NyuTest, NyuTrain
from depthnet.src.model_utils.errors import InputError


@pytest.fixture
def tree(nyu, tmp_path):
    """A copy that a test may break."""
    return shutil.copytree(nyu, tmp_path / "NYU")


def first_pair(tree):
    rgb = sorted((tree / "Train").rglob("*.jpg"))[0]
    return rgb, rgb.with_suffix(".png")


def fields(sample):
    """(rgb, depth) of a sample, which holds nothing else."""
    assert set(sample) == {"rgb", "depth"}
    return sample["rgb"], sample["depth"]


def test_units_of_training_and_test(nyu):
    train, test = NyuTrain(nyu, augment=False), NyuTest(nyu / "Test")
    rgb, depth = fields(train.load(0, None))
    assert rgb.shape == (3, 228, 304) and depth.shape == (1, 55, 74)
    assert rgb.min() >= 0 and 0.2 < rgb.max() <= 1
    raw = cv2.imread(str(train.pairs[0][1]), -1)
    assert depth.mean() == pytest.approx(raw[12:468, 16:624].mean() / 25.5, rel=1e-2)
    raw = cv2.imread(str(test.pairs[0][1]), -1)
    _, depth = fields(test.load(0))
    assert depth.mean() == pytest.approx(raw[12:468, 16:624].mean() / 1000, rel=1e-2)


def test_loaders_do_not_compete_with_threads_of_opencv(nyu):
    cv2.setNumThreads(2)
    NyuTrain(nyu)
    assert cv2.getNumThreads() == 1


def test_frames_are_sorted_by_number(tree):
    folder = next(path for path in (tree / "Train").iterdir())
    for suffix in (".jpg", ".png"):
        shutil.copy(folder / f"2{suffix}", folder / f"10{suffix}")
    names = [p.stem for p, _ in NyuTrain(tree).pairs if p.parent == folder]
    assert names == ["1", "2", "10"]


def test_augmentation_follows_its_generator(nyu):
    data = NyuTrain(nyu)
    same = [fields(data.load(1, np.random.default_rng(5))) for _ in range(2)]
    other = fields(data.load(1, np.random.default_rng(6)))
    for one, two in zip(*same):
        np.testing.assert_array_equal(one, two)
    assert np.abs(same[0][0] - other[0]).max() > 1e-3


def test_flips_move_image_and_depth_together(nyu):
    data, plain = NyuTrain(nyu), NyuTrain(nyu, augment=False)
    rgb, depth = fields(plain.load(0, None))
    seen = set()
    for seed in range(8):
        moved_rgb, moved_depth = fields(data.load(0, np.random.default_rng(seed)))
        flipped = np.abs(moved_depth - depth).max() > 1e-5
        expected = rgb[:, :, ::-1] if flipped else rgb
        assert np.corrcoef(moved_rgb.ravel(), expected.ravel())[0, 1] > 0.99
        assert 0.79 < moved_rgb.mean() / rgb.mean() < 1.01  # the jitter's brightness
        seen.add(flipped)
    assert seen == {False, True}


def test_names_are_the_images_paths(nyu):
    train, test = NyuTrain(nyu), NyuTest(nyu / "Test")
    assert len(train) == 6 and len(test) == 3
    assert train.name(0) == str(min((nyu / "Train").rglob("*.jpg")))
    assert test.name(2) == str(nyu / "Test" / "00002_colors.png")


@pytest.mark.parametrize("mask_invalid", [False, True])
def test_unknown_depth_is_marked_only_when_asked(tree, mask_invalid):
    """With a twentieth of the pixels unknown, many targets are mixed with an unknown neighbour."""
    unknown = np.random.default_rng(0).random((480, 640)) < 0.05
    targets = []
    for path, unit in ((first_pair(tree)[1], 10 / 255), (tree / "Test/00000_depth.png", 1e-3)):
        depth = cv2.imread(str(path), -1)
        depth[unknown] = 0
        cv2.imwrite(str(path), depth)
        targets.append(transforms.depth_target(depth * unit, mask_invalid))
    train = NyuTrain(tree, mask_invalid, augment=False).load(0, None)
    test = NyuTest(tree / "Test", mask_invalid).load(0)
    for sample, target in zip((train, test), targets):
        np.testing.assert_allclose(sample["depth"], target, atol=1e-6)
    assert NyuTrain(tree).mask_invalid is NyuTest(tree / "Test").mask_invalid is False


def test_stems_may_hold_underscores(tree):
    for kind in ("colors", "depth"):
        (tree / "Test" / f"00001_{kind}.png").rename(tree / "Test" / f"a_b_{kind}.png")
    names = [rgb.name for rgb, _ in NyuTest(tree / "Test").pairs]
    assert names == ["00000_colors.png", "00002_colors.png", "a_b_colors.png"]


def test_hidden_files_are_no_images(tree):
    hidden = tree / "Train" / ".ipynb_checkpoints"
    hidden.mkdir()
    for path in (hidden / "1.jpg", first_pair(tree)[0].with_name("._1.jpg")):
        path.write_bytes(b"hidden")
    for kind in ("colors", "depth"):
        (tree / "Test" / f"._00000_{kind}.png").write_bytes(b"hidden")
    assert len(NyuTrain(tree)) == 6 and len(NyuTest(tree / "Test")) == 3


def test_bad_test_images_are_left_out_when_asked(tree, capsys):
    (tree / "Test" / "00001_depth.png").unlink()
    with pytest.raises(InputError, match="00001_depth.png is missing"):
        NyuTest(tree / "Test")
    assert len(NyuTest(tree / "Test", skip_bad=True)) == 2
    assert "left out 1 bad samples of 3" in capsys.readouterr().out


def test_a_size_that_changed_since_the_check_is_named(tree):
    data = NyuTrain(tree)
    resize(data.pairs[0][0])
    with pytest.raises(InputError, match="1.jpg is 320x240, expected 640x480"):
        data.load(0, np.random.default_rng(0))


def test_augmentation_that_changes_nothing_gives_the_plain_sample(nyu, monkeypatch):
    monkeypatch.setattr(transforms, "flip", lambda rng, *images: images)
    monkeypatch.setattr(transforms, "jitter", lambda rng, rgb: transforms.unit_range(rgb))
    augmented, plain = NyuTrain(nyu).load(3, None), NyuTrain(nyu, augment=False).load(3, None)
    np.testing.assert_allclose(augmented["rgb"], plain["rgb"], atol=1e-6)
    np.testing.assert_array_equal(augmented["depth"], plain["depth"])


def truncate(path):
    path.write_bytes(path.read_bytes()[:-200])


def resize(path):
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path), -1), (320, 240)))


def deepen(path):
    cv2.imwrite(str(path), np.uint16(cv2.imread(str(path), -1)) * 256)


@pytest.mark.parametrize(
    ("which", "damage", "message"),
    [
        (0, truncate, "is truncated"),
        (1, truncate, "is truncated"),
        (0, lambda p: p.unlink(), "is missing"),
        (1, lambda p: p.unlink(), "is missing"),
        (0, lambda p: p.write_bytes(b""), "is empty, broken or not an image"),
        (1, lambda p: p.write_bytes(b"no picture"), "is empty, broken or not an image"),
        (0, resize, "is 320x240, expected 640x480"),
        (1, resize, "is 320x240, expected 640x480"),
        (1, deepen, "has mode I;16, expected L"),
        (0, lambda p: cv2.imwrite(str(p), cv2.imread(str(p), 0)), "has mode L, expected RGB"),
    ],
)
def test_bad_samples_are_named_or_left_out(tree, capsys, which, damage, message):
    path = first_pair(tree)[which]
    damage(path)
    with pytest.raises(InputError, match=message) as caught:
        NyuTrain(tree)
    assert str(path) in str(caught.value) and "--skip_bad_samples" in str(caught.value)
    assert len(NyuTrain(tree, skip_bad=True)) == 5
    assert "left out 1 bad samples of 6" in capsys.readouterr().out


def test_test_depth_must_have_16_bits(tree):
    path = sorted((tree / "Test").glob("*_depth.png"))[0]
    cv2.imwrite(str(path), np.uint8(cv2.imread(str(path), -1) // 256))
    with pytest.raises(InputError, match="has mode L, expected I;16"):
        NyuTest(tree / "Test")


def test_a_folder_without_pairs_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        NyuTrain(tmp_path)
    (tmp_path / "Train" / "scene_out").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no <scene>/N.jpg"):
        NyuTrain(tmp_path)
