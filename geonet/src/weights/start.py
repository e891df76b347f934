"""What a training starts from: nothing, or the weights of the training before it."""

from ..model_utils.errors import InputError
from .files import find_weights
from .loading import fill, fitting, listed, must_hold
from .reading import open_weights

_RIGID = ("depth_net", "pose_net")
_NETWORK_OF = {
    "dispnet_encoder": "depth_net",
    "scale_normalize": "depth_net",
    "seq_length": "pose_net",
    "flownet_type": "flow_net",
}


def check_start(init_ckpt_file, mode, flownet_type, **options):
    """Answer weights that a training cannot start from before data are looked for.

    Args:
        init_ckpt_file: see `find_weights`; "" for none.
        mode: train_rigid or train_flow.
        flownet_type: residual or direct.
        options: of the training, which the weights must share where they know theirs:
            dispnet_encoder, seq_length, scale_normalize.
    Returns:
        Weights, None without init_ckpt_file.
    Raises:
        InputError: no such file, a damaged one, or one of another training than this one needs.
    """
    is_rigid = mode == "train_rigid"
    needs_rigid = is_rigid or flownet_type == "residual"
    run = mode if is_rigid else f"{mode} with flownet_type {flownet_type}"
    if not init_ckpt_file:
        if needs_rigid and not is_rigid:
            text = f"{run} needs the weights of train_rigid"
            raise InputError(f"{text}; train with --mode train_rigid, then give --init_ckpt_file")
        return None
    weights = open_weights(find_weights(init_ckpt_file))
    if is_rigid:
        if "flow_net" in weights.networks:
            text = f"{weights.path} is of train_flow, from which train_rigid does not start"
            raise InputError(f"{text}; give weights of --mode train_rigid, or none")
        options.pop("scale_normalize", None)  # the training may go on with it, or without
    must_hold(weights, _RIGID if needs_rigid else ("flow_net",), run)
    _must_agree(weights, {**options, "flownet_type": flownet_type})
    return weights


def _must_agree(weights, options):
    """InputError where the weights' networks are known to be of another option."""
    for key, value in options.items():
        known = weights.record.get(key)
        if _NETWORK_OF[key] in weights.networks and known not in (None, value):
            text = f"{weights.path} is of {key} {known}, not {value}"
            raise InputError(f"{text}; add --{key} {known}")


def start_networks(networks, init_ckpt_file, mode, flownet_type, **options):
    """Fill the networks of a training with what it starts from.

    train_rigid takes depth_net and pose_net, or random values; train_flow with residual takes these
    two, and flow_net if it is there, as going on; with direct it takes flow_net, or random values.

    Args:
        networks: {name: Cell} of the training.
        init_ckpt_file, mode, flownet_type, options: see `check_start`.
    Returns:
        Names of the networks that were filled.
    Raises:
        InputError: see `check_start`; nothing was changed.
    """
    weights = check_start(init_ckpt_file, mode, flownet_type, **options)
    if weights is None:
        return []
    names = [name for name in networks if name in weights.networks]
    fill([pair for name in names for pair in fitting(networks[name], weights, name)])
    print(f"loading {listed(names)} from {weights.path}")
    return names
