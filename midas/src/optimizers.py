"""Adam with the pretrained encoder and the rest at their own rates (section 5 of the paper)."""

from mindspore import nn, ops
from mindspore.nn.learning_rate_schedule import LearningRateSchedule

ENCODER = "pretrained."


class PolynomialDecay(LearningRateSchedule):
    """end + (start - end) (1 - step / steps)^power, as MindSpore's PolynomialDecayLR.

    Args:
        start, end: rates at the first step and from step `steps` on.
        steps: of the whole training.
        power: exponent.
    """

    def __init__(self, start, end, steps, power):
        super().__init__()
        self.start, self.end, self.steps, self.power = start, end, steps, power

    def construct(self, global_step):
        """Rate at a step: () int32 tensor -> () float32 tensor."""
        share = ops.minimum(global_step, self.steps) / self.steps
        return self.end + (self.start - self.end) * ops.pow(1.0 - share, self.power)


def make_optimizer(net, *, encoder_rate, rate):
    """Adam over a network with the encoder at a rate of its own.

    Args:
        net: MidasNet.
        encoder_rate, rate: numbers or schedules, of the encoder and of the rest.
    """
    parameters = net.trainable_params()
    encoder = [p for p in parameters if p.name.startswith(ENCODER)]
    rest = [p for p in parameters if not p.name.startswith(ENCODER)]
    groups = [{"params": encoder, "lr": encoder_rate}, {"params": rest, "lr": rate}]
    return nn.Adam([*groups, {"order_params": parameters}], learning_rate=rate)
