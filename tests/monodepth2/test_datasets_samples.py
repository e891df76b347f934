"""Samples: which arrays they have, and what one draw does to all of their frames."""

import numpy as np
import pytest
from PIL import Image

from monodepth2.src.datasets.samples import VideoSamples, stereo_transform
from monodepth2.src.transforms import Jitter, pyramid, read_image, to_planes

SIZE = {"height": 32, "width": 64}


class Images:
    """Four random images in a folder as one sample's frames."""

    has_depth = True

    def __init__(self, folder):
        self.folder = folder
        for number, name in enumerate((-1, 0, 1, "s")):
            pixels = np.random.default_rng(number).integers(0, 256, (48, 80, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{name}.png")

    def __len__(self):
        return 1

    def path(self, index, frame_id):
        return self.folder / f"{frame_id}.png"

    def is_left(self, index):
        return True

    def matrix(self, index, height, width, is_mirrored):
        return np.float32([[width, 0, 30 if is_mirrored else 20], [0, height, 10], [0, 0, 1]])

    def depth(self, index):
        return np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return Images(tmp_path_factory.mktemp("images"))


def level(images, frame_id, scale=0):
    return pyramid(read_image(images.path(0, frame_id)), 32, 64, scale + 1)[scale]


class Draws:
    """The first two draws as told, then those of a generator."""

    def __init__(self, *first):
        self.first, self.rng = list(first), np.random.default_rng(7)
        self.uniform, self.permutation = self.rng.uniform, self.rng.permutation

    def random(self):
        return self.first.pop(0)


def test_the_arrays_of_a_sample(images):
    samples = VideoSamples(images, sources=[-1, 1, "s"], scales=[0, 2], **SIZE)
    sample = samples.load(0, np.random.default_rng(0))
    assert set(sample) == set(samples.fields)
    assert samples.fields == (
        *("color_0_0", "color_0_2", "color_m1_0", "color_p1_0", "color_s_0"),
        *("color_aug_0", "color_aug_m1", "color_aug_p1", "K", "inv_K", "stereo_T"),
    )
    np.testing.assert_array_equal(sample["color_0_2"], to_planes(level(images, 0, 2)))
    assert sample["color_0_2"].shape == (3, 8, 16)
    np.testing.assert_allclose(sample["inv_K"] @ sample["K"], np.eye(3), atol=1e-6)
    assert sample["inv_K"].dtype == np.float32


def test_stereo_alone_has_one_image_for_the_networks(images):
    samples = VideoSamples(images, sources=["s"], **SIZE)
    assert [name for name in samples.fields if "aug" in name] == ["color_aug_0"]


def test_each_scale_of_the_sources_for_v1_multiscale(images):
    samples = VideoSamples(images, sources=[1], scales=[0, 1], v1_multiscale=True, **SIZE)
    sample = samples.load(0, np.random.default_rng(0))
    np.testing.assert_array_equal(sample["color_p1_1"], to_planes(level(images, 1, 1)))


def test_validation_changes_nothing(images):
    samples = VideoSamples(images, sources=[-1], **SIZE)
    for seed in range(8):
        sample = samples.load(0, np.random.default_rng(seed))
        np.testing.assert_array_equal(sample["color_0_0"], to_planes(level(images, 0)))
        np.testing.assert_array_equal(sample["color_aug_0"], sample["color_0_0"])


@pytest.mark.parametrize(("colour", "flip"), [(0.4, 0.6), (0.6, 0.4), (0.5, 0.5), (0.9, 0.9)])
def test_colour_is_drawn_first_then_mirroring(images, colour, flip):
    samples = VideoSamples(images, sources=[-1], is_train=True, **SIZE)
    sample = samples.load(0, Draws(colour, flip))
    rng = np.random.default_rng(7)
    expected = samples.make(0, Jitter.draw(rng) if colour > 0.5 else None, flip > 0.5)
    for name, values in expected.items():
        np.testing.assert_array_equal(sample[name], values, err_msg=name)
    is_changed = (sample["color_aug_0"] != sample["color_0_0"]).any()
    assert is_changed == (colour > 0.5)


def test_one_draw_for_all_frames_and_only_the_networks_see_it(images):
    samples = VideoSamples(images, sources=[-1, 1], is_train=True, **SIZE)
    jitter = Jitter(1.2, 0.8, 1.1, 0.05)
    sample = samples.make(0, jitter, is_mirrored=False)
    for frame_id, name in ((0, "0"), (-1, "m1"), (1, "p1")):
        plain = level(images, frame_id)
        np.testing.assert_array_equal(sample[f"color_{name}_0"], to_planes(plain))
        np.testing.assert_array_equal(sample[f"color_aug_{name}"], to_planes(jitter(plain)))


def test_mirroring_turns_every_array(images):
    samples = VideoSamples(images, sources=[-1, "s"], with_depth=True, **SIZE)
    plain, turned = (samples.make(0, None, is_mirrored) for is_mirrored in (False, True))
    for name in ("color_0_0", "color_m1_0", "color_s_0"):
        difference = turned[name][..., ::-1].astype(int) - plain[name]
        assert abs(difference).max() <= 1, name  # Lanczos of the mirrored image: rounding
    np.testing.assert_array_equal(turned["depth_gt"][0], plain["depth_gt"][0][:, ::-1])
    assert (plain["K"][0, 2], turned["K"][0, 2]) == (20, 30)
    assert (plain["stereo_T"][0, 3], turned["stereo_T"][0, 3]) == pytest.approx((-0.1, 0.1))


@pytest.mark.parametrize("is_left", [True, False])
@pytest.mark.parametrize("is_mirrored", [True, False])
def test_the_other_camera(is_left, is_mirrored):
    transform = stereo_transform(is_left, is_mirrored)
    assert transform[0, 3] == np.float32(0.1 if is_left == is_mirrored else -0.1)
    transform[0, 3] = 0
    np.testing.assert_array_equal(transform, np.eye(4))
