"""Adam with the pretrained encoder and the rest at their own rates (section 5 of the paper)."""

from mindspore import nn

ENCODER = "pretrained."


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
