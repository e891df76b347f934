"""The network that a configuration describes."""

from .model_utils.checkpoint import load_parameters
from .network import MidasNet


def build_network(config):
    """MidasNet from layers, features, groups, width_per_group, network_variant, grouped_conv."""
    return MidasNet(
        layers=config.layers,
        features=config.features,
        groups=config.groups,
        width_per_group=config.width_per_group,
        network_variant=config.network_variant,
        grouped_conv=config.grouped_conv,
    )


def load_network(config, path):
    """The network with the weights of a .ckpt, set to evaluation; InputError when they differ."""
    net = build_network(config)
    load_parameters(net, path)
    return net.set_train(False)
