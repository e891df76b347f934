"""Other programs' weights as .ckpt files with the record of what they are."""

from pathlib import Path

from ..model_utils.checkpoint import save_networks
from ..model_utils.errors import InputError
from ..networks import DepthDecoder, PoseCNN, PoseDecoder, ResnetEncoder
from .adam import tell_foreign_states
from .fitting import fill, fitting, layers_of
from .folder import find_files, read_folder_record
from .reading import read_file

_CHANNELS = {16: 0, 32: 1, 64: 2, 128: 3}  # of a depth decoder's output: its scale
_LONGEST = 4096  # no length of a known network is larger
_OUTPUT = "decoder.{}.conv.weight"


def convert(source_path, target_path):
    """Write a folder of weights, or one network's file, as MindSpore checkpoints.

    Args:
        source_path: folder of the PyTorch release or of Paddle; or one file, such as ImageNet's
            weights of an encoder.
        target_path: folder to write; .ckpt for one file.
    Raises:
        InputError: a path is missing, the target is in use, or the source does not fit.
    """
    for key, value in (("source_path", source_path), ("target_path", target_path)):
        if not value:
            raise InputError(f"{key} is missing; give it as --{key} PATH")
    source, target = Path(source_path).expanduser(), Path(target_path)
    if not source.exists():
        raise InputError(f"source_path {source} does not exist")
    if source.is_dir():
        _convert_folder(source, target)
    else:
        _convert_file(source, target)


def _convert_folder(source, target):
    if target.suffix == ".ckpt":
        raise InputError(f"target_path {target} is a file's; {source} is a folder, give another")
    if target.exists():
        raise InputError(f"target_path {target} exists; give the name of a new folder")
    record = read_folder_record(source)
    files = find_files(source)
    networks = {name: converted(name, read_file(path)) for name, path in files.items()}
    tell_foreign_states(source)
    save_networks(networks, target, {**record, "source": source.name})
    size = f"{record['width']}x{record['height']}"
    stereo = ", stereo" if record["use_stereo"] else ""
    print(f"wrote {target}: {', '.join(networks)} of {record['num_layers']} layers, {size}{stereo}")


def _convert_file(source, target):
    if target.suffix != ".ckpt":
        raise InputError(f"target_path {target} must end in .ckpt; {source} is one file")
    weights = read_file(source)
    name = kind_of(weights)
    network = converted(name, weights)
    record = {key: value for key, value in weights.rest.items() if isinstance(value, (int, float))}
    record = {**record, "source": source.name, "kind": name}
    if name == "encoder":
        record["num_layers"] = network.num_layers
    save_networks({name: network}, target, record)
    print(f"wrote {target}: {name} with {len(weights.arrays)} parameters")


def kind_of(weights):
    """encoder, depth or pose: which network a file holds.

    Raises:
        InputError: none of them.
    """
    for name, mark in (("encoder", "encoder."), ("depth", "decoder."), ("pose", "net.")):
        if any(key.startswith(mark) for key in weights.arrays):
            return name
    few = ", ".join(list(weights.arrays)[:3])
    raise InputError(f"{weights.path} holds {few}; expected a ResNet, a depth or a pose decoder")


def converted(name, weights):
    """The network of a file, filled; what was left over is printed.

    Raises:
        InputError: the file does not hold all of such a network.
    """
    network = _network(name, weights)
    found = fitting(network, weights, name)
    fill(found)
    print(f"{weights.path}: {len(found)} mapped, 0 missing, {len(weights.left_over)} left over")
    counters = [key for key in weights.left_over if key.endswith("num_batches_tracked")]
    for key in weights.left_over:
        if key not in counters:
            print(f"  left over: {key}")
    if counters:
        print(f"  left over: {len(counters)} num_batches_tracked")
    return network


def _network(name, weights):
    """The network that has a file's shapes."""
    if name in ("encoder", "pose_encoder"):
        images = _size(weights, "encoder.conv1.weight", 1) // 3
        return ResnetEncoder(layers_of(weights), max(images, 1))
    if name in ("depth", "predictive_mask"):
        return _decoder(weights)
    if "pose_conv.weight" in weights.arrays:
        return PoseCNN(max(_size(weights, "net.0.weight", 1) // 3, 2))
    channels = _size(weights, "net.0.weight", 1)
    features = max(_size(weights, "net.1.weight", 1) // 256, 1)
    return PoseDecoder([channels], features, max(_size(weights, "net.3.weight", 0) // 6, 1))


def _decoder(weights):
    """A depth decoder or a predictive mask."""
    channels = _size(weights, "decoder.0.conv.weight", 1)
    widths = [64, 64, 128, 256, 512]
    widths = widths if channels == widths[-1] else [64, *(4 * width for width in widths[1:])]
    outputs = [_OUTPUT.format(number) for number in range(10, 14)]
    outputs = [name for name in outputs if name in weights.arrays]
    scales = [_CHANNELS.get(_size(weights, name, 1), 0) for name in outputs]
    count = _size(weights, outputs[0], 0) if outputs else 1
    return DepthDecoder(widths, scales or [0], max(count, 1))


def _size(weights, name, axis):
    """A length of an array; 0 where there is none."""
    shape = weights.arrays[name].shape if name in weights.arrays else ()
    return min(shape[axis], _LONGEST) if axis < len(shape) else 0
