"""Depth evaluation by hand: masks, scaling, order of the steps, D1, post-processing."""

from dataclasses import replace

import numpy as np
import pytest

from monodepth2.src.model_utils.errors import InputError
from monodepth2.src.sfm_utils import depth_evaluation as evaluation

PLAIN = evaluation.DepthProtocol(resizes="depth", valid="positive", median=False)


def maps(*values):
    return np.array([values], np.float32)


def test_the_eigen_mask_is_exclusive_and_inside_the_crop():
    target = np.full((375, 1242), 10, np.float32)
    rows, columns = evaluation.garg_crop(375, 1242)
    assert (rows, columns) == (slice(153, 371), slice(44, 1197))
    mask = evaluation.valid_pixels(target, evaluation.EIGEN)
    assert mask.sum() == (371 - 153) * (1197 - 44) and mask[153, 44] and mask[370, 1196]
    target[200, 100:104] = 1e-3, 80, 79.99, 2e-3
    mask = evaluation.valid_pixels(target, evaluation.EIGEN)
    assert mask[200, 100:104].tolist() == [False, False, True, True]
    mask = evaluation.valid_pixels(target, evaluation.EIGEN_BENCHMARK)
    assert mask.all()
    mask = evaluation.valid_pixels(maps(0, 100), evaluation.EIGEN_BENCHMARK)
    assert mask.tolist() == [[False, True]]


def test_the_median_is_matched_on_valid_pixels_then_clipped():
    """Prediction 1, 2, 100 for 2, 4, 60: ratio 2, then 200 is clipped to 80."""
    score = evaluation.score_depth(
        maps(1, 2, 100, 7), maps(2, 4, 60, 0), replace(PLAIN, median=True)
    )
    assert (score.ratio, score.valid_pixels) == (2, 3)
    assert score.metrics["abs_rel"] == pytest.approx(20 / 60 / 3)
    assert score.metrics["rmse"] == pytest.approx(20 / np.sqrt(3))


def test_the_factor_multiplies_before():
    score = evaluation.score_depth(maps(1, 2), maps(2, 5), replace(PLAIN, factor=2))
    assert score.metrics["abs_rel"] == pytest.approx(0.1) and score.ratio == 1
    score = evaluation.score_depth(maps(1, 3), maps(2, 6), replace(PLAIN, factor=5, median=True))
    assert score.ratio == pytest.approx(0.4) and score.metrics["rmse"] < 1e-6
    stereo = evaluation.stereo_protocol(evaluation.EIGEN)
    assert (stereo.factor, stereo.median, stereo.valid) == (5.4, False, "eigen")


def test_disparity_is_resized_before_it_is_inverted():
    """Half-pixel: 0.5 and 0.1 at twice the width give 0.5, 0.4, 0.2, 0.1."""
    got = evaluation.resized_depth(maps(0.5, 0.1), (1, 4), "disparity")
    np.testing.assert_allclose(got, [[2, 2.5, 5, 10]], rtol=1e-6)
    got = evaluation.resized_depth(maps(2, 10), (1, 4), "depth")
    np.testing.assert_allclose(got, [[2, 4, 8, 10]], rtol=1e-6)


def test_what_cannot_be_scored_is_named():
    with pytest.raises(InputError, match="a.png: no pixel has a ground truth that counts"):
        evaluation.score_depth(maps(1, 1), maps(0, 0), PLAIN, "a.png")
    for bad in (0, -1, np.nan):
        with pytest.raises(InputError, match="a.png: the prediction holds values that are not"):
            evaluation.score_depth(maps(1, bad), maps(1, 1), PLAIN, "a.png")


def test_means_over_images():
    scores = [evaluation.score_depth(maps(x, 1), maps(2, 1), PLAIN) for x in (1, 2)]
    mean = evaluation.mean_metrics(scores)
    assert mean["abs_rel"] == pytest.approx(0.125) and mean["a1"] == pytest.approx(0.75)


def test_flip_post_processing_by_hand():
    """Columns at 0, 0.05 ... 1: the first two come from the mirror image, the last two do not."""
    got = evaluation.blend_flipped(np.full((1, 21), 4.0), np.full((1, 21), 2.0))[0]
    np.testing.assert_allclose(got[[0, 1, 2, 10, 18, 19, 20]], [2, 2, 3, 3, 3, 4, 4], atol=1e-9)


def test_the_benchmarks_image():
    image = evaluation.benchmark_image(np.full((11, 38), 0.5, np.float32))
    assert image.shape == (352, 1216) and (image == int(10.8 * 256)).all()
    assert (evaluation.benchmark_image(np.full((2, 2), 1e-3, np.float32)) == 80 * 256).all()
    assert (evaluation.benchmark_image(np.full((2, 2), 0.5, np.float32), 1) == 512).all()


def kitti_disparity(*values):
    disparity = np.zeros((1, 1242), np.float32)
    disparity[0, : len(values)] = values
    return disparity


def test_depth_of_kittis_disparity():
    depth = evaluation.disparity_to_depth(kitti_disparity(10, 0, 20))
    np.testing.assert_allclose(depth[0, :3], [38.9630358, 0, 19.4815179], rtol=1e-6)
    with pytest.raises(InputError, match="x.png: width 3 is not one of KITTI 2015"):
        evaluation.disparity_to_depth(maps(1, 2, 3), "x.png")


def test_outliers_are_three_pixels_and_five_percent_off():
    target = maps(100, 100, 100, 10, 10, 0.5, 0)
    predicted = maps(105, 104, 95, 13, 12.9, 0.5, 50)
    assert evaluation.disparity_outliers(predicted, target) == pytest.approx(50)


def test_d1_of_a_scaled_depth():
    target = kitti_disparity(*[20.0] * 1242)
    depth = evaluation.disparity_to_depth(target) / 3
    assert evaluation.stereo_d1(depth, target, scale=3) == 0
    assert evaluation.stereo_d1(depth, target, scale=2) == 100
    assert evaluation.stereo_d1(depth, target) == 100
    assert evaluation.stereo_d1(1 / target, target) == 0


def test_the_monitor_takes_the_lower_median_of_the_batch_in_the_crop():
    target = np.zeros((2, 375, 1242), np.float32)
    target[0, 153, 44], target[1, 370, 1196] = 10, 30  # corners of the crop
    target[0, 152, 44] = target[0, 153, 43] = target[1, 371, 1196] = target[1, 370, 1197] = 77
    depth = np.stack([np.full((4, 4), 5, np.float32), np.full((4, 4), 20, np.float32)])
    got = evaluation.monitor_metrics(depth, target)  # ratio 10 / 5: 10 and 40
    assert got["abs_rel"] == pytest.approx(1 / 6)
    with pytest.raises(InputError, match="no pixel of the batch"):
        evaluation.monitor_metrics(depth, np.zeros_like(target))


def test_lines():
    scores = [evaluation.score_depth(maps(1, 2), maps(2, 5), evaluation.EIGEN_BENCHMARK)] * 2
    median = evaluation.monodepth2_lines(scores, evaluation.EIGEN_BENCHMARK)
    assert median[0].startswith(" Scaling ratios | med: ") and median[0].endswith("std: 0.000")
    assert len(evaluation.monodepth2_lines(scores, PLAIN)) == 2
    geonet = evaluation.geonet_lines(dict.fromkeys("abcdefg", 1.0), 2)
    assert geonet[1].split(",")[4].strip() == "2.0000"
