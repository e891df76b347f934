"""The networks of a folder of weights, built when they are needed."""

import functools

from ..model_utils.graph_cache import with_graph_cache
from ..prediction.loading import disparity_cell, has_pair_poses, pose_cell
from ..weights import read_folder_record


class Model:
    """What an evaluation predicts with.

    Args:
        folder: of weights.
        amp_level: see `mixed_precision`.
        start: function that starts the device; called once inputs are known to be there.
        limits: (min_depth, max_depth) of weights that do not tell theirs.
        num_layers: as the user gave it; a line says where the weights have another number.
    """

    def __init__(self, folder, amp_level, start, limits, num_layers):
        self.folder, self.amp_level, self.start = folder, amp_level, start
        self.num_layers = num_layers
        self.limits = dict(zip(("min_depth", "max_depth"), limits))

    @functools.cached_property
    def record(self):
        """See `read_folder_record`.

        Raises:
            InputError: no such folder, or one without an encoder.
        """
        record = {**self.limits, **read_folder_record(self.folder)}
        if (layers := record["num_layers"]) != self.num_layers:
            print(f"The weights are of a ResNet-{layers}: num_layers {self.num_layers} is not used")
        return record

    @property
    def size(self):
        """(height, width) at the network."""
        return self.record["height"], self.record["width"]

    @property
    def metric_scale(self):
        """Metres per unit of depth, None where it is not metric."""
        return self.record["metric_scale"]

    @property
    def has_poses(self):
        """Whether the folder has a pose network of pairs."""
        return has_pair_poses(self.folder)

    def disparity(self):
        """Function of (B, 3, h, w), RGB 0..1 -> (B, 1, h, w) scaled disparity."""
        print(f"-> Loading weights from {self.folder}")
        return self._function(disparity_cell)

    def pose(self):
        """Function of two images (B, 3, h, w) in the order of time -> (B, 1, 6) next_from_this."""
        return self._function(pose_cell)

    def _function(self, make):
        cell = make(self.folder, self.record, self.amp_level, self.start())
        return with_graph_cache(cell)
