"""What a training step computes: from the arrays of a batch to the losses."""

import mindspore as ms
from mindspore import nn, ops

from .datasets.fields import STEREO, color, color_aug, frame_tag
from .model_utils.step import mixed_precision


class Forward(nn.Cell):
    """Networks and loss on a batch, for training and for validation.

    Args:
        networks: of `make_networks`.
        motion: Motion.
        loss: ViewSynthesisLoss.
        sources: frames, from `source_frames`.
        with_images: return the images that panels show, too.
    Attributes:
        fields: the arrays of a sample that it takes, in their order; images are uint8.
    """

    def __init__(self, networks, motion, loss, sources, with_images=False):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.encoder, self.depth = networks["encoder"], networks["depth"]
        self.has_mask = "predictive_mask" in networks
        if self.has_mask:
            self.predictive_mask = networks["predictive_mask"]
        self.motion, self.loss, self.with_images = motion, loss, with_images
        self.divide = ops.RealDiv()  # instead of `/`, see ResnetEncoder
        self.is_stereo = STEREO in sources
        moving = [source for source in sources if source != STEREO]
        # As in the original a shared encoder sees the other camera's image too, and its BatchNorm.
        seen = (0, *(sources if motion.is_shared else moving))
        scales = loss.scales
        sizes = scales if loss.at_each_scale else (0,)
        self.seen = [color_aug(frame) for frame in seen]
        self.targets = [color(0, scale) for scale in scales]
        self.views = [[color(source, size) for source in sources] for size in sizes]
        self.names = tuple(f"loss/{scale}" for scale in scales)
        self.warped = tuple(f"warped_{frame_tag(source)}" for source in sources)
        images = [name for names in (self.seen, self.targets, *self.views) for name in names]
        self.fields = (*images, "K", "inv_K", *(["stereo_T"] if self.is_stereo else []))
        self.place = {name: number for number, name in enumerate(self.fields)}

    def construct(self, *batch):
        """The arrays of `fields`, (B, ...) each -> {"loss", "loss/0" ..., "masked"}.

        masked is the share of the pixels at the first scale that automasking leaves out. With
        images also disparity, error, automask (B, 1, H, W), target and warped_<frame> (B, 3, H, W).
        """
        images = self._images(batch, self.seen)
        targets = self._images(batch, self.targets)
        views = ()
        for names in self.views:
            views = (*views, self._images(batch, names))
        features, last = self._features(images)
        disparities = self.depth(features)
        stereo = batch[self.place["stereo_T"]] if self.is_stereo else None
        found = self.loss(
            disparities,
            self.motion(images, last),
            targets,
            views,
            (batch[self.place["K"]], batch[self.place["inv_K"]]),
            stereo,
            self.predictive_mask(features) if self.has_mask else None,
        )
        values = self._values(found[0], found[1])
        if self.with_images:
            values["disparity"], values["target"] = disparities[0], targets[0]
            warped, values["error"], masked = found[2]
            for number, name in enumerate(self.warped):
                values[name] = warped[number]
            if masked is not None:
                values["automask"] = masked
        return values

    def _images(self, batch, names):
        """uint8 -> 0..1."""
        found = ()
        for name in names:
            found = (*found, self.divide(batch[self.place[name]].to(ms.float32), 255.0))
        return found

    def _features(self, images):
        """(features of frame 0; last maps of all images, for poses from a shared encoder)."""
        if not self.motion.is_shared:
            return self.encoder(images[0]), ()
        count, target, last = len(images), (), ()
        for features in self.encoder(ops.concat(images)):
            last = ops.split(features, features.shape[0] // count, 0)
            target = (*target, last[0])
        return target, last

    def _values(self, losses, shares):
        values, total = {}, 0
        for number, name in enumerate(self.names):
            values[name] = losses[number]
            total = total + losses[number]
        values["loss"] = total / len(self.names)
        if len(shares):
            values["masked"] = shares[0]
        return values


def for_training(networks, is_training, amp_level, device):
    """The networks as a training step computes them.

    Args:
        networks: of `make_networks`.
        is_training: False keeps BatchNorm's moving statistics (freeze_bn).
        amp_level: see `mixed_precision`.
        device: Device.
    Returns:
        ({name: network}, loss scaler or None).
    """
    computed, scaler = {}, None
    for name, network in networks.items():
        network.set_train(is_training)
        computed[name], scaler = mixed_precision(network, amp_level, device)
    return computed, scaler
