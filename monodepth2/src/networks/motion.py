"""Camera motion between the frames of a sample, by each of the pose networks."""

from mindspore import nn, ops

from ..datasets.fields import STEREO


class Motion(nn.Cell):
    """From the frames of a sample to the motion to each neighbour.

    Args:
        networks: of `make_networks`.
        sources: frames of `source_frames`; the other camera's has no motion.
        pose_model_type: separate_resnet, shared or posecnn.
        pose_model_input: pairs, each passed in the order of time, or all.
    Attributes:
        inverted: for each neighbour, whether its prediction is source-to-target motion.
    """

    def __init__(self, networks, sources, pose_model_type, pose_model_input):
        super().__init__(auto_prefix=False)  # the networks keep their names
        frames = [source for source in sources if source != STEREO]
        self.is_shared = pose_model_type == "shared"
        self.is_cnn = pose_model_type == "posecnn"
        self.is_pairs = pose_model_input == "pairs"
        # A pair goes in the order of time, so that what comes out for -1 leads to frame 0.
        self.inverted = tuple(self.is_pairs and frame < 0 for frame in frames)
        if frames:
            self.pose = networks["pose"]
        if frames and pose_model_type == "separate_resnet":
            self.pose_encoder = networks["pose_encoder"]

    def construct(self, images, features):
        """The motion to each neighbour.

        Args:
            images: tuple of (B, 3, H, W): frame 0, then the neighbours.
            features: tuple of the depth encoder's last maps of these images; for shared only.
        Returns:
            Tuple of (axis-angle (B, 3), translation (B, 3)), one per neighbour.
        """
        seen = features if self.is_shared else images
        motions = ()
        if not self.is_pairs:
            axis_angles, translations = self._predict(seen)
            for number in range(len(self.inverted)):
                motion = (axis_angles[:, number], translations[:, number])
                motions = (*motions, motion)
            return motions
        for number in range(len(self.inverted)):
            pair = (seen[0], seen[number + 1])
            if self.inverted[number]:
                pair = (seen[number + 1], seen[0])
            axis_angles, translations = self._predict(pair)
            motions = (*motions, (axis_angles[:, 0], translations[:, 0]))
        return motions

    def _predict(self, seen):
        if self.is_shared:
            return self.pose(seen)
        stacked = ops.concat(seen, 1)
        if self.is_cnn:
            return self.pose(stacked)
        return self.pose((self.pose_encoder(stacked)[4],))
