"""What a training step computes: from the arrays of a batch to the losses."""

from mindspore import nn, ops

from .model_utils.step import mixed_precision
from .networks.full_flow import FlowPyramid
from .networks.layout import split_sources
from .networks.models import preprocess
from .sfm_utils.smoothness import normalized

FIELDS = ("target", "sources", "K", "inv_K")  # of a sample; the images are uint8


class RigidForward(nn.Cell):
    """Depth and pose network with their loss (mode train_rigid).

    Args:
        networks: {"depth_net": ..., "pose_net": ...}.
        loss: RigidLoss.
        scale_normalize: divide each disparity by its mean.
        with_images: return the images that panels show, too.
    """

    fields = FIELDS

    def __init__(self, networks, loss, scale_normalize, with_images=False):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.depth_net, self.pose_net = networks["depth_net"], networks["pose_net"]
        self.loss, self.scale_normalize, self.with_images = loss, scale_normalize, with_images

    def construct(self, target, sources, K, inv_K):
        """A batch of samples.

        Args:
            target: (B, 3, H, W) uint8.
            sources: (B, 3 S, H, W) uint8.
            K, inv_K: (B, 3, 3), pixels.
        Returns:
            {"loss", "rigid_warp_loss", "disp_smooth_loss"}; with images also target, warped
            (B, 3, H, W), disparity, error (B, 1, H, W), those of the first source.
        """
        target, sources = preprocess(target), preprocess(sources)
        images = ops.concat((target, split_sources(sources)))
        disparities = self.depth_net(images)
        if self.scale_normalize:
            scaled = ()
            for disparity in disparities:
                scaled = (*scaled, normalized(disparity, 0))
            disparities = scaled
        poses = self.pose_net(ops.concat((target, sources), 1))
        warp, smooth, errors, warped = self.loss(disparities, poses, images, K, inv_K)
        values = {"loss": warp + smooth, "rigid_warp_loss": warp, "disp_smooth_loss": smooth}
        if self.with_images:
            batch = target.shape[0]
            values["target"], values["warped"] = target, warped[:batch]
            values["disparity"], values["error"] = disparities[0][:batch], errors[0][:batch]
        return values


class FlowForward(nn.Cell):
    """Flow network with its loss (mode train_flow).

    Args:
        networks: {"flow_net": ...}, and for a residual one depth_net and pose_net.
        loss: FlowLoss.
        flownet_type: residual or direct.
        scale_normalize: see `RigidForward`.
        alpha: share of SSIM in the error of the rigid flow, which a residual network sees.
        with_images: return the images that panels show, too.
    """

    fields = FIELDS

    def __init__(self, networks, loss, flownet_type, scale_normalize, alpha, with_images=False):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.flows = FlowPyramid(networks, flownet_type, scale_normalize, True, alpha)
        self.loss, self.with_images = loss, with_images

    def construct(self, target, sources, K, inv_K):
        """A batch of samples; see `RigidForward`.

        Returns:
            {"loss", "flow_warp_loss", "flow_smooth_loss", "flow_consistency_loss", "empty_masks"};
            with images also target, warped (B, 3, H, W), flow (B, 2, H, W) and, where there are
            masks, mask (B, 1, H, W), those of the first source.
        """
        target, sources = preprocess(target), preprocess(sources)
        flows = self.flows(target, sources, K, inv_K)
        images = ops.concat((target, split_sources(sources)))
        warp, smooth, consistency, empty, masks, warped = self.loss(
            flows, images, sources.shape[1] // 3
        )
        values = {"loss": warp + smooth + consistency}
        values["flow_warp_loss"], values["flow_smooth_loss"] = warp, smooth
        if len(masks):
            values["flow_consistency_loss"], values["empty_masks"] = consistency, empty
        if self.with_images:
            batch = target.shape[0]
            values["target"], values["warped"] = target, warped[:batch]
            values["flow"] = flows[0][:batch]
            if len(masks):
                values["mask"] = masks[0][:batch]
        return values


def for_training(networks, trained, amp_level, device):
    """The networks as a training step computes them.

    Args:
        networks: of `make_networks`.
        trained: names of those that learn; the others keep their weights and moving statistics.
        amp_level: see `mixed_precision`.
        device: Device.
    Returns:
        ({name: network}, loss scaler or None).
    """
    computed, scaler = {}, None
    for name, network in networks.items():
        network.set_train(name in trained)
        computed[name], scaler = mixed_precision(network, amp_level, device)
    return computed, scaler
