"""Learning rates that change with the step; tests/midas compares them with the original's."""

import mindspore as ms
import pytest

from midas.src.model_utils.schedules import PolynomialDecay


def test_decay_by_hand():
    """From 9 to 1 in 4 steps: 1 + 8 times the root of what is left, and 1 for ever after."""
    schedule = PolynomialDecay(9.0, 1.0, 4, 0.5)
    values = [float(schedule(ms.Tensor(step, ms.int32)).asnumpy()) for step in (0, 3, 4, 9)]
    assert values == pytest.approx([9, 5, 1, 1])
