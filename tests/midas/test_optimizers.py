"""Learning rates, and which parameters have which."""

import json

import mindspore as ms
import pytest

from midas.src.model_utils.config import read_options
from midas.src.model_utils.schedules import PolynomialDecay
from midas.src.optimizers import make_optimizer
from tests.conftest import REPOSITORY
from tests.golden_files import golden_dir
from tests.midas.small import small_network

LR = json.loads((golden_dir("midas") / "lr.json").read_text())
DEFAULTS = read_options(REPOSITORY / "midas" / "config.yaml").defaults


@pytest.mark.parametrize("kind", ["backbone", "no_backbone"])
def test_decay_equals_the_original(kind):
    start, end, steps = LR[kind]["lr"], LR[kind]["end_lr"], LR["decay_steps"]
    schedule = PolynomialDecay(start, end, steps, LR["power"])
    assert len(LR["steps"]) == len(LR[kind]["values"]) >= 3
    for step, expected in zip(LR["steps"], LR[kind]["values"]):
        tolerance = 1e-5 if step >= steps else 1e-6
        got = float(schedule(ms.Tensor(step, ms.int32)).asnumpy())
        assert got == pytest.approx(expected, rel=tolerance)


def test_rates_and_groups():
    constant = LR["default_when_lr_decay_is_False"]
    assert DEFAULTS["backbone_params_lr"] == constant["backbone"]
    assert DEFAULTS["no_backbone_params_lr"] == constant["no_backbone"]
    network = small_network()
    optimizer = make_optimizer(
        network, encoder_rate=constant["backbone"], rate=constant["no_backbone"]
    )
    groups = [float(value.asnumpy()) for value in optimizer.learning_rate]
    names = [p.name for p in optimizer.parameters]
    assert names == [p.name for p in network.trainable_params()]
    for name, value in zip(names, groups):
        kind = "backbone" if name.startswith("pretrained.") else "no_backbone"
        assert value == pytest.approx(constant[kind]), name
    rest = [name for name in names if not name.startswith("pretrained.")]
    assert len(rest) == LR["groups"]["no_backbone"]
