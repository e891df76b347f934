"""A compiled training step: what it does before its first run, and that it trains."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils import step as step_module
from depthnet.src.model_utils.device import Device
from depthnet.src.model_utils.step import TrainStep


@pytest.fixture
def graph_mode():
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


@pytest.fixture
def net():
    return nn.Dense(3, 1, weight_init="ones", bias_init="zeros").set_train()


def make_step(net, **options):
    def forward(x):
        return {"loss": (net(x) ** 2).mean()}

    return TrainStep(forward, {"net": net}, nn.SGD(net.trainable_params(), 0.1), CPU, **options)


CPU = Device("CPU")
BATCH = (ms.Tensor(np.ones((2, 3), np.float32)),)


def test_memory_goes_back_between_compiling_and_the_first_run(graph_mode, net, monkeypatch):
    seen = []

    def give_back():
        seen.append((bool(step._run.compile_cache), net.weight.asnumpy().tolist()))

    monkeypatch.setattr(step_module, "give_back_free_memory", give_back)
    step = make_step(net)
    losses = []
    for _ in range(2):
        step(BATCH)
        losses.append(step.look().values["loss"])
    assert seen == [(True, [[1, 1, 1]])]
    # 3 ** 2; each of three weights and the bias loses 0.1 * 2 * 3, so that 3 becomes 3 - 4 * 0.6.
    assert losses == pytest.approx([9, 0.36], abs=1e-5)


def test_a_compiler_level_is_that_of_a_function(graph_mode, net, monkeypatch):
    """A cell takes it in a way that is to go."""
    given = []
    jit = ms.jit
    monkeypatch.setattr(ms, "jit", lambda f, **options: given.append(options) or jit(f))
    step = make_step(net, jit_level="O1")
    step(BATCH)
    assert given == [{"jit_level": "O1"}]
    assert step.look().values["loss"] == pytest.approx(9)
