"""Identical in every model folder; edit one, then run scripts/sync_model_utils.sh.

Learning rates that change with the step.
"""

from __future__ import annotations

from mindspore import Tensor, ops
from mindspore.nn.learning_rate_schedule import LearningRateSchedule


class PolynomialDecay(LearningRateSchedule):
    """end + (start - end) (1 - step / steps)^power, as MindSpore's PolynomialDecayLR.

    Args:
        start, end: rates at the first step and from step `steps` on.
        steps: of the whole training.
        power: exponent.
    """

    def __init__(self, start: float, end: float, steps: int, power: float):
        super().__init__()
        self.start, self.end, self.steps, self.power = start, end, steps, power

    def construct(self, global_step: Tensor) -> Tensor:
        """Rate at a step: () int32 tensor -> () float32 tensor."""
        share = ops.minimum(global_step, self.steps) / self.steps
        return self.end + (self.start - self.end) * ops.pow(1.0 - share, self.power)
