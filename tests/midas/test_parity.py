"""Network and loss equal the originals' goldens; sizes are read from the arrays."""

import json

import mindspore as ms
import numpy as np
import pytest

from midas.src.losses import ScaleAndShiftInvariantLoss, gradient_sums, scale_and_shift
from midas.src.model_utils.resize import DoubleSize, interpolation_matrix
from midas.src.networks import MidasNet
from midas.src.weights import from_torch_name
from tests.golden_files import golden_dir
from tests.golden_weights import det

GOLDEN = golden_dir("midas")
# From the goldens' README: outputs range over about 12; stages are compared relative to their size.
ATOL_OUTPUT, RTOL_STAGE = 1e-3, 1e-4
RTOL_LOSS, ATOL_GRAD = 1e-5, 2e-6
# The original divides 0 by 0 or sits on the kink of |.| there: see the goldens' README.
NO_GRADIENT = {"target_is_affine_of_prediction", "batch1_single_pixel_at_5_7"}
MODES = {
    "modelzoo_legacy": "legacy",
    "torch_align_corners_true": "align_corners",
    "torch_align_corners_false": "half_pixel",
}


def load(name):
    with np.load(GOLDEN / name) as file:
        return {key: file[key] for key in file.files}


LOSS = load("loss.npz")
CASES = sorted({key.split("/")[0] for key in LOSS})


def test_golden_weights_are_the_described_ones():
    checks = json.loads((GOLDEN / "det_check.json").read_text())
    assert checks
    for name, check in checks.items():
        got = det(name, check["shape"], check["kind"])
        np.testing.assert_allclose(got.ravel()[:5], check["first5"], rtol=1e-6)
        np.testing.assert_allclose(got.astype(np.float64).sum(), check["float64_sum"], rtol=1e-5)


def fill(net, keys):
    """Set every parameter to its golden value."""
    parameters = {parameter.name: parameter for parameter in net.get_parameters()}
    for key, shape, _, kind in keys:
        name = from_torch_name(key)
        if name is not None:
            parameters.pop(name).set_data(ms.Tensor(det(key, shape, kind)))
    assert not parameters


def stages(net, image):
    """The goldens' stages that the network passes through, by name."""
    encoder, decoder = net.pretrained, net.scratch
    stem = encoder.layer1
    found = {"stem_relu": stem[2](stem[1](stem[0](image)))}
    found["stem_maxpool"] = stem[3](found["stem_relu"])
    layers = encoder(image)
    found.update({f"layer_{i + 1}": layer for i, layer in enumerate(layers)})
    maps = [getattr(decoder, f"layer{i + 1}_rn")(layer) for i, layer in enumerate(layers)]
    found.update({f"layer_{i + 1}_rn": layer for i, layer in enumerate(maps)})
    path = None
    for i in (4, 3, 2, 1):
        inputs = (maps[i - 1],) if path is None else (path, maps[i - 1])
        refined = getattr(decoder, f"refinenet{i}")(*inputs)
        path = found[f"path_{i}"] = decoder.double(refined)
    head = decoder.output_conv
    found["out_conv0"] = head[0](refined)
    found["out_up"] = DoubleSize(head[2].mode)(found["out_conv0"])
    found["out_conv4_prerelu"] = head[4](head[3](head[2](found["out_conv0"])))
    return {name: tensor.asnumpy() for name, tensor in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["torch", "modelzoo"])
def test_network(variant):
    golden = load(f"net_{variant}.npz")
    image = ms.Tensor(load("net_torch.npz")["input"])
    keys = json.loads((GOLDEN / "keys.json").read_text())["midas_v21"]
    net = MidasNet(network_variant=variant).set_train(False)
    fill(net, keys)
    found = stages(net, image)
    compared = {f"stat_{name}" for name in found} & golden.keys()
    assert compared == {key for key in golden if key.startswith("stat_")} and len(compared) >= 10
    for key in compared:
        name = key.removeprefix("stat_")
        got = found[name]
        size = golden[f"stat_{name}"][1]
        mean_std = [got.mean(), got.std(), got.min(), got.max()]
        np.testing.assert_allclose(
            mean_std, golden[f"stat_{name}"], rtol=RTOL_STAGE, atol=RTOL_STAGE * size, err_msg=name
        )
        rows, columns = golden[f"slice_{name}"].shape
        part = got.reshape(got.shape[0], got.shape[1], -1)[0, :rows, :columns]
        np.testing.assert_allclose(
            part, golden[f"slice_{name}"], rtol=RTOL_STAGE, atol=RTOL_STAGE * size, err_msg=name
        )
        if f"shape_{name}" in golden:
            assert got.shape == tuple(golden[f"shape_{name}"])
    if "output_pre_relu" in golden:
        pre_relu = found["out_conv4_prerelu"][:, 0]
        np.testing.assert_allclose(pre_relu, golden["output_pre_relu"], atol=ATOL_OUTPUT)
    np.testing.assert_allclose(net(image).asnumpy(), golden["output"], atol=ATOL_OUTPUT)
    net.scratch.output_conv[4].bias.set_data(ms.Tensor(np.float32([10])))
    np.testing.assert_allclose(net(image).asnumpy(), golden["output_bias10"], atol=ATOL_OUTPUT)


def test_resizing():
    golden = load("micro_ops.npz")
    cases = sorted({key.split("/")[0] for key in golden if key.startswith("bilinear")})
    compared = 0
    for case in cases:
        x, (height, width) = golden[f"{case}/x"], golden[f"{case}/size_hw"]
        for key, mode in MODES.items():
            rows = interpolation_matrix(x.shape[2], height, mode)
            columns = interpolation_matrix(x.shape[3], width, mode)
            got = np.einsum("yh,bchw,xw->bcyx", rows, x, columns)
            np.testing.assert_allclose(got, golden[f"{case}/{key}"], atol=1e-5, err_msg=key)
            compared += 1
    assert compared == 3 * len(cases) > 0


def test_every_golden_case_of_the_loss_has_its_arrays():
    kinds = ("prediction", "mask", "target", "loss", "grad", "scale_f64", "shift_f64")
    assert len(CASES) >= 5
    assert not [case for case in CASES for kind in kinds if f"{case}/{kind}" not in LOSS]


@pytest.mark.parametrize("case", CASES)
def test_loss(case):
    golden = {key.split("/")[1]: LOSS[key] for key in LOSS if key.startswith(f"{case}/")}
    arrays = [ms.Tensor(golden[key]) for key in ("prediction", "mask", "target")]
    loss, grad = ms.value_and_grad(ScaleAndShiftInvariantLoss(), 0)(*arrays)
    if np.isfinite(golden["loss"]):
        atol = 1e-5 if case == "target_is_affine_of_prediction" else 0
        np.testing.assert_allclose(loss.asnumpy(), golden["loss"], rtol=RTOL_LOSS, atol=atol)
    else:
        assert np.isfinite(loss.asnumpy())
    assert np.isfinite(grad.asnumpy()).all()
    if case not in NO_GRADIENT and np.isfinite(golden["grad"]).all():
        np.testing.assert_allclose(grad.asnumpy(), golden["grad"], atol=ATOL_GRAD)
    if "loss_alpha1_scales1" in golden:
        other = ScaleAndShiftInvariantLoss(alpha=1, scales=1)(*arrays).asnumpy()
        np.testing.assert_allclose(other, golden["loss_alpha1_scales1"], rtol=RTOL_LOSS)


@pytest.mark.parametrize("case", CASES)
def test_parts_of_the_loss(case):
    golden = {key.split("/")[1]: LOSS[key] for key in LOSS if key.startswith(f"{case}/")}
    prediction, target = ms.Tensor(golden["prediction"]), ms.Tensor(golden["target"])
    mask = ms.Tensor(golden["mask"].astype(np.float32))
    scale, shift = scale_and_shift(prediction, mask, target)
    np.testing.assert_allclose(scale.asnumpy().ravel(), golden["scale_f64"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(shift.asnumpy().ravel(), golden["shift_f64"], rtol=1e-4, atol=1e-4)
    if np.isfinite(golden["gradient_loss_unaligned"]):
        sums = gradient_sums(prediction - target, mask).asnumpy().sum()
        got = sums / golden["mask"].sum()
        np.testing.assert_allclose(got, golden["gradient_loss_unaligned"], rtol=RTOL_LOSS)
