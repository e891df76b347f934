"""Which networks a training has, and what they make up for prediction."""

from mindspore import nn, ops

from ..datasets.fields import STEREO
from ..model_utils.errors import InputError
from .depth_decoder import DepthDecoder
from .pose_cnn import PoseCNN
from .pose_decoder import PoseDecoder
from .resnet_encoder import ResnetEncoder


def source_frames(frame_ids, use_stereo):
    """The frames that are compared with frame 0: its neighbours, then "s", the other camera.

    Raises:
        InputError: frame_ids does not begin with 0, repeats a frame, or leaves nothing to compare.
    """
    first, *others = frame_ids
    if first != 0 or len(set(frame_ids)) != len(frame_ids):
        text = " ".join(map(str, frame_ids))
        raise InputError(f"frame_ids {text}: write 0 first, then other frames, such as 0 -1 1")
    sources = (*others, STEREO) if use_stereo else tuple(others)
    if not sources:
        raise InputError("frame_ids 0 alone leaves nothing to compare with; add --use_stereo")
    return sources


def make_networks(
    *, num_layers, scales, sources, pose_model_type, pose_model_input, predictive_mask
):
    """{name: network} of a training, under the names of the original's files.

    Args:
        num_layers: of the ResNet encoders.
        scales: of the disparity.
        sources: from `source_frames`.
        pose_model_type: separate_resnet, shared or posecnn.
        pose_model_input: pairs or all.
        predictive_mask: whether a mask is learnt.
    Returns:
        encoder and depth; pose, unless the other camera is the only source; pose_encoder;
        predictive_mask.
    """
    networks = {"encoder": ResnetEncoder(num_layers)}
    channels = networks["encoder"].num_ch_enc
    networks["depth"] = DepthDecoder(channels, scales)
    moving = [source for source in sources if source != STEREO]
    frames = 2 if pose_model_input == "pairs" else len(moving) + 1
    if moving and pose_model_type == "separate_resnet":
        networks["pose_encoder"] = ResnetEncoder(num_layers, frames)
        networks["pose"] = PoseDecoder(channels, 1, 2 if frames == 2 else len(moving))
    elif moving and pose_model_type == "shared":
        networks["pose"] = PoseDecoder(channels, frames)
    elif moving:
        networks["pose"] = PoseCNN(frames)
    if predictive_mask:
        networks["predictive_mask"] = DepthDecoder(channels, scales, len(sources))
    return networks


class DisparityNet(nn.Cell):
    """An encoder and a depth decoder as one network for prediction.

    Args:
        encoder: ResnetEncoder of one image.
        depth: DepthDecoder whose scales begin with 0.
    """

    def __init__(self, encoder, depth):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.encoder, self.depth = encoder, depth

    def construct(self, image):
        """(B, 3, H, W), RGB 0..1 -> disparity (B, 1, H, W), 0..1."""
        return self.depth(self.encoder(image))[0]


class PoseNet(nn.Cell):
    """A pose encoder and decoder as one network for prediction.

    Args:
        pose_encoder: ResnetEncoder of two images.
        pose: PoseDecoder of one feature map.
    """

    def __init__(self, pose_encoder, pose):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.pose_encoder, self.pose = pose_encoder, pose

    def construct(self, images):
        """Two images in the order of time.

        Args:
            images: (B, 6, H, W), RGB 0..1.
        Returns:
            (B, 6): axis-angle, then translation, of next_from_this.
        """
        axis_angle, translation = self.pose((self.pose_encoder(images)[4],))
        return ops.concat((axis_angle[:, 0], translation[:, 0]), 1)
