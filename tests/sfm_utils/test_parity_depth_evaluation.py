"""Depth metrics, masks, scaling and printed lines equal both originals' numbers."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from monodepth2.src.model_utils.metrics import NAMES, depth_metrics
from monodepth2.src.sfm_utils import depth_evaluation as evaluation
from tests.golden_files import golden_dir

MONODEPTH2, GEONET = golden_dir("monodepth2"), golden_dir("geonet")
EVAL = json.loads((MONODEPTH2 / "eval.json").read_text())
KITTI = json.loads((GEONET / "kitti_eval.json").read_text())
RUNS = (
    "eigen_mono",
    "eigen_stereo",
    "eigen_mono_no_median",
    "eigen_benchmark_mono",
    "eigen_benchmark_stereo",
    "eigen_benchmark_stereo_via_ids_2_0_1",
)


def arrays(path, *names):
    with np.load(path) as golden:
        return [golden[name] for name in names]


def ground_truth(index):
    """One sparse map of Monodepth2's goldens."""
    names = [f"gt{index}_{part}" for part in ("shape", "index", "value")]
    shape, places, values = arrays(MONODEPTH2 / "eval.npz", *names)
    depth = np.zeros(shape, np.float32)
    depth.ravel()[places] = values
    return depth


def protocol_of(options):
    """The protocol that the original's flags mean."""
    on_benchmark = options.get("eval_split") == "eigen_benchmark"
    protocol = evaluation.EIGEN_BENCHMARK if on_benchmark else evaluation.EIGEN
    if options.get("eval_stereo"):
        return evaluation.stereo_protocol(protocol)
    median = not options.get("disable_median_scaling")
    return replace(protocol, median=median, factor=options.get("pred_depth_scale_factor", 1))


@pytest.mark.parametrize("run", RUNS)
def test_monodepth2_evaluation(run):
    expected = EVAL[run]
    protocol = protocol_of(expected["options"])
    (predictions,) = arrays(MONODEPTH2 / "eval.npz", "pred_disps")
    if "_via_ids_" in run:  # stored permuted, restored by the numbers in the name
        ids = [int(word) for word in run.split("_via_ids_")[1].split("_")]
        stored = np.empty_like(predictions)
        stored[ids] = predictions
        predictions = stored[ids]
    scores = []
    for index, prediction in enumerate(predictions):
        target = ground_truth(index)
        if protocol.valid == "positive":
            target[target <= 1e-3] = 0
        scores.append(evaluation.score_depth(prediction, target, protocol))
    got = [[score.metrics[name] for name in EVAL["metric_order"]] for score in scores]
    np.testing.assert_allclose(got, expected["per_image"], rtol=1e-5)
    assert [score.valid_pixels for score in scores] == expected["n_valid"]
    mean = evaluation.mean_metrics(scores)
    np.testing.assert_allclose(list(mean.values()), expected["mean"], rtol=1e-5)
    if "median_ratios" in expected:
        ratios = [score.ratio for score in scores]
        np.testing.assert_allclose(ratios, expected["median_ratios"], rtol=1e-6)
    lines = evaluation.monodepth2_lines(scores, protocol)
    assert lines == expected["printed"][2:-1]


def test_no_run_is_left_out():
    assert len(RUNS) >= 6 and set(EVAL) - set(RUNS) == {
        "metric_order",
        "garg_crop_rows_cols",
        "benchmark_png_shape",
    }
    assert tuple(EVAL["metric_order"]) == NAMES


def test_garg_crop():
    for index, expected in enumerate(EVAL["garg_crop_rows_cols"]):
        rows, columns = evaluation.garg_crop(*ground_truth(index).shape)
        assert [rows.start, rows.stop, columns.start, columns.stop] == expected


@pytest.mark.parametrize(
    "file, names",
    [
        (MONODEPTH2 / "layers.npz", ("err_gt", "err_pred", "err_out")),
        (MONODEPTH2 / "eval.npz", ("ce_gt", "ce_pred", "ce_out")),
        (GEONET / "kitti_eval.npz", ("err_gt_f64", "err_pred_f64", "err_metrics_f64")),
    ],
)
def test_metrics(file, names):
    target, prediction, expected = arrays(file, *names)
    got = list(depth_metrics(prediction, target).values())
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_flip_post_processing():
    left, right, expected = arrays(MONODEPTH2 / "eval.npz", "pp_l", "pp_r", "pp_out")
    np.testing.assert_allclose(evaluation.blend_flipped(left, right), expected, rtol=1e-6)


def test_benchmark_images():
    disparities, expected = arrays(MONODEPTH2 / "eval.npz", "pred_disps", "benchmark_png_u16_sub")
    for disparity, part in zip(disparities, expected):
        image = evaluation.benchmark_image(disparity)
        assert image.dtype == np.uint16 and list(image.shape) == EVAL["benchmark_png_shape"]
        np.testing.assert_allclose(image[::16, ::16].astype(int), part, rtol=0, atol=1)


def test_geonet_eigen():
    expected = KITTI["depth_eigen"]
    names = "depth_pred", "depth_gt", "depth_metrics_per_image"
    predictions, targets, metrics = arrays(GEONET / "kitti_eval.npz", *names)
    protocol = evaluation.GEONET_EIGEN
    scores = [evaluation.score_depth(*pair, protocol) for pair in zip(predictions, targets)]
    got = np.transpose([list(score.metrics.values()) for score in scores])
    np.testing.assert_allclose(got, metrics, rtol=1e-5)
    assert [int((target > 0).sum()) for target in targets] == expected["gt_valid_pixels"]
    assert evaluation.geonet_lines(evaluation.mean_metrics(scores)) == expected["printed"]


def test_geonet_stereo():
    expected = KITTI["depth_stereo"]
    names = "stereo_pred", "stereo_metrics_per_image"
    predictions, metrics = arrays(GEONET / "kitti_eval.npz", *names)
    scores, d1 = [], []
    for index, (prediction, width) in enumerate(zip(predictions, expected["widths"])):
        (png,) = arrays(GEONET / "kitti_eval.npz", f"stereo_gt_png{index}")
        disparity = cv2.imdecode(png, cv2.IMREAD_UNCHANGED).astype(np.float32) / 256
        assert disparity.shape[1] == width
        target = evaluation.disparity_to_depth(disparity)
        scores.append(evaluation.score_depth(prediction, target, evaluation.GEONET_STEREO))
        d1.append(evaluation.stereo_d1(prediction, disparity))
    got = np.array([list(score.metrics.values()) for score in scores]).T
    np.testing.assert_allclose(np.insert(got, 4, d1, 0), metrics, rtol=1e-5)
    mean = evaluation.mean_metrics(scores)
    assert evaluation.geonet_lines(mean, np.mean(d1)) == expected["printed"]


def test_numbers_logged_in_training():
    index, values, shape = arrays(MONODEPTH2 / "trainer_depth_gt.npz", "index", "values", "shape")
    target = np.zeros(shape, np.float32)
    target.reshape(len(values), -1)[:, index] = values
    (disparity,) = arrays(MONODEPTH2 / "depth.npz", "r18_eval_disp0")
    depth = 1 / (1 / 100 + (1 / 0.1 - 1 / 100) * disparity[:, 0])
    got = evaluation.monitor_metrics(depth, target[:, 0])
    expected = json.loads((MONODEPTH2 / "losses.json").read_text())
    expected = expected["_compute_depth_losses_r18_eval_disp0"]
    np.testing.assert_allclose(list(got.values()), list(expected.values()), rtol=1e-4)
    assert len(expected) == len(NAMES)
