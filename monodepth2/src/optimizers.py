"""Adam as PyTorch computes it, its rate, and its state for files."""

import mindspore as ms
from mindspore import nn, ops
from mindspore.nn.learning_rate_schedule import LearningRateSchedule


class StepDecay(LearningRateSchedule):
    """rate / 10^(step // steps_per_drop).

    With 15 epochs per drop the epochs 0 to 14 have the full rate, as with the PyTorch of the
    paper; since PyTorch 1.1 the original's own order of calls drops it one epoch earlier, and so
    does the Paddle port.

    Args:
        rate: of the first epochs.
        steps_per_drop: steps after which the rate is a tenth.
        steps: of the whole training.
    """

    def __init__(self, rate, steps_per_drop, steps):
        super().__init__()
        self.steps_per_drop, self.last = steps_per_drop, (steps - 1) // steps_per_drop
        rates = [rate * 0.1**drops for drops in range(self.last + 1)]
        self.rates = ms.Tensor(rates, ms.float32)

    def construct(self, global_step):
        """Rate at a step: () int32 tensor -> () float32 tensor."""
        drops = ops.minimum(global_step // self.steps_per_drop, self.last)
        return ops.gather(self.rates, drops, 0)


class Adam(nn.Adam):
    """Adam (Kingma and Ba 2015, algorithm 1) without weight decay.

    MindSpore's adds eps to the root of the uncorrected second moment, which in the first steps is
    as if eps were 30 times larger: gradients below 1e-6 then move their weights too little.
    """

    def construct(self, gradients):
        """Update the parameters by their gradients."""
        rate = self.get_lr()
        self.assignadd(self.global_step, self.global_step_increase_tensor)
        beta1_power = self.beta1_power * self.beta1
        self.beta1_power = beta1_power
        beta2_power = self.beta2_power * self.beta2
        self.beta2_power = beta2_power
        eps = self.eps * ops.sqrt(1 - beta2_power)
        powers, betas = (beta1_power, beta2_power), (self.beta1, self.beta2)
        done = ()
        for number, parameter in enumerate(self._parameters):
            moments = self.moment1[number], self.moment2[number]
            update = self.opt(parameter, *moments, *powers, rate, *betas, eps, gradients[number])
            done = (*done, update)
        return done
