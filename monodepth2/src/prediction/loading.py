"""Networks for prediction and export, from a folder of weights."""

from pathlib import Path

from mindspore import nn, ops

from ..model_utils.context import without_values
from ..model_utils.errors import InputError, NoWeightsError
from ..model_utils.graph_cache import with_graph_cache
from ..model_utils.step import mixed_precision
from ..networks import DepthDecoder, DisparityNet, PoseDecoder, PoseNet, ResnetEncoder
from ..networks.depth_decoder import disparity_to_depth
from ..weights import load_folder
from ..weights.folder import find_files
from ..weights.reading import read_file
from .predictors import Network

LIMITS = 0.1, 100.0  # of depth, as the original predicts
_PAIR = 6  # channels of two images


def weights_folder(load_weights_folder, model_name, train_url):
    """The folder of weights that a command line names.

    Args:
        load_weights_folder: it; "" to go by the name.
        model_name: of a released model, unpacked to models/, or of a training.
        train_url: the trainings' log_dir.
    Raises:
        NoWeightsError: there is none of that name.
    """
    if load_weights_folder:
        return Path(load_weights_folder)
    places = Path("models", model_name), Path(train_url, model_name, "models", "weights_best")
    folder = next((place for place in places if place.is_dir()), None)
    if folder is None:
        text = f"neither {places[0]} nor {places[1]} is there"
        raise NoWeightsError(f"model_name {model_name}: {text}; give --load_weights_folder")
    return folder


class ScaledDisparity(nn.Cell):
    """A network's disparity between the inverses of two depths.

    Args:
        network: DisparityNet.
        limits: the least and the largest depth.
    """

    def __init__(self, network, limits):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.network = network
        self.least, self.most = limits

    def construct(self, image):
        """(B, 3, H, W), RGB 0..1 -> (B, 1, H, W), 1 / most .. 1 / least."""
        return disparity_to_depth(self.network(image), self.least, self.most)[0]


class PairPose(nn.Cell):
    """The motion between two images that come one by one.

    Args:
        network: PoseNet.
    """

    def __init__(self, network):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.network = network

    def construct(self, image, after):
        """(B, 3, H, W) twice, RGB 0..1 -> (B, 1, 6), axis-angle, then translation, of the matrix
        after_from_image."""
        return self.network(ops.concat((image, after), 1)).unsqueeze(1)


def limits_of(record):
    """The least and the largest depth of a training; the original's where its record has none."""
    values = map(record.get, ("min_depth", "max_depth"), LIMITS)
    return tuple(map(float, values))


def disparity_cell(folder, record, amp_level, device):
    """ScaledDisparity with the weights of a folder, in evaluation mode.

    Args:
        folder: of weights.
        record: from `read_folder_record`.
        amp_level: see `mixed_precision`.
        device: Device.
    Raises:
        InputError: see `load_folder`.
    """
    with without_values():
        encoder = ResnetEncoder(record["num_layers"])
        depth = DepthDecoder(encoder.num_ch_enc, (0,))
    load_folder({"encoder": encoder, "depth": depth}, folder)
    network = DisparityNet(encoder, depth)
    network = mixed_precision(network, amp_level, device)[0]
    return ScaledDisparity(network, limits_of(record)).set_train(False)


def has_pair_poses(folder):
    """Whether a folder has a pose network of its own, and that takes two images.

    Raises:
        InputError: its pose encoder is damaged.
    """
    files = find_files(folder)
    if not {"pose_encoder", "pose"} <= set(files):
        return False
    weights = read_file(files["pose_encoder"]).arrays.get("encoder.conv1.weight")
    return weights is not None and weights.shape[1:2] == (_PAIR,)


def pose_cell(folder, record, amp_level, device):
    """PairPose with the weights of a folder, in evaluation mode; see `disparity_cell`.

    Raises:
        InputError: the folder has no pose network of pairs (see `has_pair_poses`).
    """
    if not has_pair_poses(folder):
        text = "holds no pose_encoder and pose of two images"
        raise InputError(f"{folder} {text}; poses need a training on video with pairs")
    with without_values():
        encoder = ResnetEncoder(record["num_layers"], 2)
        pose = PoseDecoder(encoder.num_ch_enc, 1, 2)
    load_folder({"pose_encoder": encoder, "pose": pose}, folder)
    network = PoseNet(encoder, pose)
    return PairPose(mixed_precision(network, amp_level, device)[0]).set_train(False)


def disparity_network(folder, record, amp_level, device, batch_size, eager):
    """Network with a `disparity_cell`.

    Args:
        folder, record, amp_level, device: see `disparity_cell`.
        batch_size: see `Network`.
        eager: see `with_graph_cache`.
    """
    return _network(disparity_cell(folder, record, amp_level, device), record, batch_size, eager)


def pose_network(folder, record, amp_level, device, batch_size, eager):
    """Network with a `pose_cell`; see `disparity_network`."""
    return _network(pose_cell(folder, record, amp_level, device), record, batch_size, eager)


def _network(cell, record, batch_size, eager):
    run = with_graph_cache(cell, eager)
    return Network(run, record["height"], record["width"], batch_size)
