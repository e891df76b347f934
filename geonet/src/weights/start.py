"""What a training starts from: nothing, or the weights of the training before it."""

from ..model_utils.errors import InputError
from .files import find_weights
from .loading import fill, fitting, listed, must_hold
from .reading import open_weights

_RIGID = ("depth_net", "pose_net")


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
    is_residual = mode == "train_flow" and flownet_type == "residual"
    if not init_ckpt_file:
        if is_residual:
            text = "train_flow with flownet_type residual needs the weights of train_rigid"
            raise InputError(f"{text}; train with --mode train_rigid, then give --init_ckpt_file")
        return None
    weights = open_weights(find_weights(init_ckpt_file))
    has_flow = "flow_net" in weights.networks
    if mode == "train_rigid" and has_flow:
        text = f"{weights.path} is of train_flow, from which train_rigid does not start"
        raise InputError(f"{text}; give weights of --mode train_rigid, or none")
    if mode == "train_rigid":
        options.pop("scale_normalize", None)  # a training may go on with it, or without
        must_hold(weights, _RIGID, mode)
    elif is_residual:
        must_hold(weights, _RIGID, f"{mode} with flownet_type {flownet_type}")
        options |= {"flownet_type": flownet_type} if has_flow else {}
    else:
        must_hold(weights, ("flow_net",), f"{mode} with flownet_type {flownet_type}")
        options = {"flownet_type": flownet_type}
    _must_agree(weights, options)
    return weights


def _must_agree(weights, options):
    """InputError where the weights know an option to be another."""
    for key, value in options.items():
        known = weights.record.get(key)
        if known is not None and known != value:
            raise InputError(
                f"{weights.path} is of {key} {known}, not {value}; add --{key} {known}"
            )


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
