"""DepthNet against the numbers of the original program ($GOLDEN_DIR/depthnet, see its README).

| what | tolerance | reason |
|---|---|---|
| networks | atol 1e-4 | float32 sums in another order; typically 5e-6 on a range of +-3 |
| loss | rtol 1e-5, atol 2e-5 | the original's float32 log is a few 1e-6 off |
| gradients | atol 3e-6 | as above |
| metrics | rtol 2e-4, `exact` atol 5e-6 | the original sums in float32 |
| depth input | atol 5e-4 m | MindSpore's resize is up to 2e-4 off exact arithmetic, OpenCV is not |
| rgb input | atol 1e-5, 0.03 from JPEG | decoders differ |
"""

import json

import mindspore as ms
import numpy as np
import pytest

from depthnet.src import datasets, metrics
from depthnet.src.evaluation import Evaluator
from depthnet.src.losses import DepthLoss
from depthnet.src.networks import CoarseNet, FineNet
from tests.golden_files import golden_dir
from tests.golden_weights import det

GOLDEN = golden_dir("depthnet")
LOSS = np.load(GOLDEN / "loss.npz")
METRICS = json.loads((GOLDEN / "metrics.json").read_text())
LOSS_CASES = sorted({key.split("/")[0] for key in LOSS.files if not key.startswith("metric/")})
METRIC_CASES = sorted({key.split("/")[1] for key in LOSS.files if key.startswith("metric/")})
SHORT = {
    "delta1": "delta1_loss",
    "delta2": "delta2_loss",
    "delta3": "delta3_loss",
    "abs_rel": "abs_relative_loss",
    "sqr_rel": "sqr_relative_loss",
    "rmse_linear": "rmse_linear_loss",
    "rmse_log": "rmse_log_loss",
}


def fill(net):
    for parameter in net.get_parameters():
        kind = "bias" if parameter.name.endswith(".bias") else "weight"
        parameter.set_data(ms.Tensor(det(parameter.name, parameter.shape, kind)))
    return net.set_train(False)


@pytest.fixture(scope="module")
def nets():
    return fill(CoarseNet()), fill(FineNet())


@pytest.mark.parametrize("net", ["coarse", "fine"])
def test_parameters_have_the_zoo_names_and_shapes(nets, net):
    expected = json.loads((GOLDEN / "params.json").read_text())[net]
    found = [[p.name, list(p.shape)] for p in nets[net == "fine"].get_parameters()]
    assert found == [row[:2] for row in expected["params"]]
    count = sum(int(np.prod(shape)) for _, shape in found)
    assert count == expected["n_values"]


def test_both_networks_give_the_original_depth(nets):
    golden = np.load(GOLDEN / "net.npz")
    rgb = ms.Tensor(golden["rgb_u8"].astype(np.float32) / 255)
    coarse = nets[0](rgb)
    np.testing.assert_allclose(coarse.asnumpy(), golden["coarse"], atol=1e-4)
    np.testing.assert_allclose(nets[1](rgb, coarse).asnumpy(), golden["fine"], atol=1e-4)
    clipped = ms.Tensor(golden["coarse_clipped_0.1_10"])
    expected = golden["fine_from_clipped_coarse"]
    np.testing.assert_allclose(nets[1](rgb, clipped).asnumpy(), expected, atol=1e-4)


@pytest.mark.parametrize("case", LOSS_CASES)
def test_loss_and_gradient(case):
    arrays = [ms.Tensor(LOSS[f"{case}/{name}"]) for name in ("prediction_log", "target_m")]
    value, gradient = ms.value_and_grad(DepthLoss())(*arrays)
    expected = LOSS[f"{case}/custom_loss"]
    np.testing.assert_allclose(value.asnumpy(), expected, rtol=1e-5, atol=2e-5)
    if f"{case}/custom_grad" in LOSS.files:
        expected = LOSS[f"{case}/custom_grad"]
        step = 1 if gradient.shape == expected.shape else 3
        got = gradient.asnumpy()[:, :, ::step, ::step]
        np.testing.assert_allclose(got, expected, atol=3e-6)


@pytest.mark.parametrize("case", METRIC_CASES)
@pytest.mark.parametrize("rule", ["eval_py", "postprocess_py"])
def test_metrics(case, rule):
    arrays = [LOSS[f"metric/{case}/{name}"] for name in ("prediction_log", "target_m")]
    got = metrics.image_metrics(*arrays, clip_log=rule == "postprocess_py")
    expected = METRICS["metrics_per_case"][case][rule]
    for short, name in SHORT.items():
        limits = {"atol": 5e-6} if case == "exact" else {"rtol": 2e-4, "atol": 1e-9}
        np.testing.assert_allclose(got[name], expected[short], err_msg=name, **limits)


def test_test_images_are_prepared_as_by_the_original():
    golden = np.load(GOLDEN / "data.npz")
    data = datasets.NyuTest(GOLDEN / "NYU" / "Test")
    for index in range(len(data)):
        rgb, depth = data.load(index)
        np.testing.assert_allclose(depth[None], golden[f"test{index}/depth"], atol=5e-4)
        sub = golden[f"test{index}/rgb_sub6"]
        np.testing.assert_allclose(rgb[None, :, ::6, ::6], sub, atol=1e-5)
        rows = golden[f"test{index}/rgb_rows0_3"]
        np.testing.assert_allclose(rgb[:, : rows.shape[1]], rows, atol=1e-5)


def test_training_images_are_prepared_as_by_the_original():
    golden = np.load(GOLDEN / "data.npz")
    data = datasets.NyuTrain(GOLDEN / "NYU", augment=False)
    for index in range(len(data)):
        rgb, depth = data.load(index, None)
        key = "train:" + "/".join(data.name(index).split("/")[-2:])
        np.testing.assert_allclose(depth, golden[f"{key}/depth_noaug"], atol=5e-4)
        np.testing.assert_allclose(rgb[:, ::8, ::8], golden[f"{key}/rgb_noaug_sub8"], atol=0.03)


def test_the_whole_evaluation_gives_the_original_averages(nets):
    golden = METRICS["eval_py_on_NYU_Test_with_det_weights"]
    result = Evaluator(*nets).evaluate(datasets.NyuTest(GOLDEN / "NYU" / "Test"), batch_size=2)
    for stage in ("coarse", "fine"):
        for name, value in result["average"][stage].items():
            expected = golden["average"][stage][name.removesuffix("_loss")]
            np.testing.assert_allclose(value, expected, rtol=5e-4, err_msg=f"{stage} {name}")
