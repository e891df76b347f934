"""DepthNet against the numbers of the original program ($GOLDEN_DIR/depthnet, see its README).

| what | tolerance | reason |
|---|---|---|
| networks | atol 1e-4 | float32 sums in another order; typically 5e-6 on a range of +-3 |
| loss | rtol 1e-5, atol 2e-5 | the original's float32 log is a few 1e-6 off |
| gradients | atol 3e-6 | as above |
| metrics | rtol 2e-4, `exact` atol 5e-6 | the original sums in float32 |
| depth input | atol 5e-4 m | MindSpore's resize is up to 2e-4 off exact arithmetic, OpenCV is not |
| rgb input | atol 1e-5, 0.03 from JPEG | decoders differ |

Every test says how many of the golden arrays it compared, so that an empty loop fails.
"""

import json

import mindspore as ms
import numpy as np
import pytest

from depthnet.src import ascend310, datasets, metrics
from depthnet.src.evaluation import Evaluator
from depthnet.src.losses import DepthLoss
from depthnet.src.networks import CoarseNet, FineNet
from tests.golden_files import golden_dir
from tests.golden_weights import det

GOLDEN = golden_dir("depthnet")
LOSS = np.load(GOLDEN / "loss.npz")
DATA = np.load(GOLDEN / "data.npz")
METRICS = json.loads((GOLDEN / "metrics.json").read_text())
SHORT = {
    "delta1": "delta1_loss",
    "delta2": "delta2_loss",
    "delta3": "delta3_loss",
    "abs_rel": "abs_relative_loss",
    "sqr_rel": "sqr_relative_loss",
    "rmse_linear": "rmse_linear_loss",
    "rmse_log": "rmse_log_loss",
}


class Comparison:
    """Compares with goldens and counts them."""

    count = 0

    def close(self, got, expected, **limits):
        """Raise AssertionError unless got is expected within the limits."""
        np.testing.assert_allclose(got, expected, **limits)
        self.count += 1


@pytest.fixture
def compare():
    return Comparison()


def keys(golden, *ends):
    """Names of the arrays that end so."""
    return [key for key in golden.files if key.endswith(ends)]


def fill(net):
    for parameter in net.get_parameters():
        kind = "bias" if parameter.name.endswith(".bias") else "weight"
        parameter.set_data(ms.Tensor(det(parameter.name, parameter.shape, kind)))
    return net.set_train(False)


@pytest.fixture(scope="module")
def nets():
    return fill(CoarseNet()), fill(FineNet())


@pytest.mark.parametrize(("net", "tensors"), [("coarse", 26), ("fine", 3)])
def test_parameters_have_the_zoo_names_and_shapes(nets, net, tensors):
    expected = json.loads((GOLDEN / "params.json").read_text())[net]
    found = [[p.name, list(p.shape)] for p in nets[net == "fine"].get_parameters()]
    assert found == [row[:2] for row in expected["params"]] and len(found) == tensors
    count = sum(int(np.prod(shape)) for _, shape in found)
    assert count == expected["n_values"]


def test_both_networks_give_the_original_depth(nets, compare):
    golden = np.load(GOLDEN / "net.npz")
    rgb = ms.Tensor(golden["rgb_u8"].astype(np.float32) / 255)
    coarse = nets[0](rgb)
    compare.close(coarse.asnumpy(), golden["coarse"], atol=1e-4)
    compare.close(nets[1](rgb, coarse).asnumpy(), golden["fine"], atol=1e-4)
    clipped = ms.Tensor(golden["coarse_clipped_0.1_10"])
    expected = golden["fine_from_clipped_coarse"]
    compare.close(nets[1](rgb, clipped).asnumpy(), expected, atol=1e-4)
    assert compare.count == 3


def test_loss_and_gradient(compare):
    for key in keys(LOSS, "/custom_loss"):
        case = key.split("/")[0]
        arrays = [ms.Tensor(LOSS[f"{case}/{name}"]) for name in ("prediction_log", "target_m")]
        value, gradient = ms.value_and_grad(DepthLoss())(*arrays)
        compare.close(value.asnumpy(), LOSS[key], rtol=1e-5, atol=2e-5, err_msg=case)
        if f"{case}/custom_grad" in LOSS.files:
            expected = LOSS[f"{case}/custom_grad"]
            step = 1 if gradient.shape == expected.shape else 3
            got = gradient.asnumpy()[:, :, ::step, ::step]
            compare.close(got, expected, atol=3e-6, err_msg=case)
    assert compare.count == len(keys(LOSS, "/custom_loss", "/custom_grad")) >= 12


@pytest.mark.parametrize("rule", ["eval_py", "postprocess_py"])
def test_metrics(rule, compare):
    cases = {key.split("/")[1] for key in LOSS.files if key.startswith("metric/")}
    for case in sorted(cases):
        arrays = [LOSS[f"metric/{case}/{name}"] for name in ("prediction_log", "target_m")]
        got = metrics.image_metrics(*arrays, clip_log=rule == "postprocess_py")
        expected = METRICS["metrics_per_case"][case][rule]
        for short, name in SHORT.items():
            limits = {"atol": 5e-6} if case == "exact" else {"rtol": 2e-4, "atol": 1e-9}
            compare.close(got[name], expected[short], err_msg=f"{case} {name}", **limits)
    assert compare.count == 7 * len(cases) >= 35


def test_test_images_are_prepared_as_by_the_original(compare):
    data = datasets.NyuTest(GOLDEN / "NYU" / "Test")
    for index in range(len(data)):
        sample, key = data.load(index), f"test{index}"
        rgb = sample["rgb"]
        compare.close(sample["depth"][None], DATA[f"{key}/depth"], atol=5e-4)
        compare.close(rgb[None, :, ::6, ::6], DATA[f"{key}/rgb_sub6"], atol=1e-5)
        rows = DATA[f"{key}/rgb_rows0_3"]
        compare.close(rgb[:, : rows.shape[1]], rows, atol=1e-5)
        compare.close(rgb.mean((1, 2)), DATA[f"{key}/rgb_channel_mean"], atol=1e-5)
    assert compare.count == len([key for key in DATA.files if key.startswith("test")]) >= 8


def test_training_images_are_prepared_as_by_the_original(compare):
    data = datasets.NyuTrain(GOLDEN / "NYU", augment=False)
    for index in range(len(data)):
        sample = data.load(index, None)
        key = "train:" + "/".join(data.name(index).split("/")[-2:])
        compare.close(sample["depth"], DATA[f"{key}/depth_noaug"], atol=5e-4)
        compare.close(sample["rgb"][:, ::8, ::8], DATA[f"{key}/rgb_noaug_sub8"], atol=0.03)
    assert compare.count == len(keys(DATA, "_noaug", "_noaug_sub8")) >= 4


def test_the_evaluation_gives_the_original_averages(nets, compare):
    golden = METRICS["eval_py_on_NYU_Test_with_det_weights"]
    data = datasets.NyuTest(GOLDEN / "NYU" / "Test")
    result = Evaluator(*nets, batch_size=2).evaluate(data)
    for stage, values in result["average"].items():
        for name, value in values.items():
            expected = golden["average"][stage][name.removesuffix("_loss")]
            compare.close(value, expected, rtol=5e-4, err_msg=f"{stage} {name}")
    assert compare.count == 2 * 7


def test_the_scores_of_the_310_program_are_the_original_ones(tmp_path, compare):
    """Two results against the labels of the two test images (see `setup` in metrics.json)."""
    results, labels = tmp_path / "results", tmp_path / "labels"
    results.mkdir()
    labels.mkdir()
    for index, case in enumerate(("plain", "noisy")):
        LOSS[f"metric/{case}/prediction_log"].tofile(results / f"DepthNet_nyu_1_{index}_0.bin")
        DATA[f"test{index}/depth"].tofile(labels / f"DepthNet_nyu_1_{index}.bin")
    for name, value in ascend310.score_results(results, labels).items():
        expected = METRICS["postprocess_py"]["average"][name.removesuffix("_loss")]
        compare.close(value, expected, rtol=2e-4, err_msg=name)
    assert compare.count == len(METRICS["postprocess_py"]["average"]) == 7
