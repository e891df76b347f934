"""The networks of a folder of weights, built when they are needed."""

import functools

from ..model_utils.errors import InputError
from ..prediction import disparity_cell, pose_cell
from ..weights import read_folder_record


class Model:
    """What an evaluation predicts with.

    Args:
        folder: of weights.
        amp_level: see `mixed_precision`.
        start: function that starts the device; called once inputs are known to be there.
    """

    def __init__(self, folder, amp_level, start):
        self.folder, self.amp_level, self.start = folder, amp_level, start

    @functools.cached_property
    def record(self):
        """See `read_folder_record`.

        Raises:
            InputError: no folder is given, or one without an encoder.
        """
        if not self.folder:
            raise InputError("load_weights_folder is missing; give the folder of weights")
        return read_folder_record(self.folder)

    @property
    def size(self):
        """(height, width) at the network."""
        return self.record["height"], self.record["width"]

    @property
    def metric_scale(self):
        """Metres per unit of depth, None where it is not metric."""
        return self.record["metric_scale"]

    def disparity(self):
        """Cell of (B, 3, h, w), RGB 0..1 -> (B, 1, h, w) scaled disparity."""
        print(f"-> Loading weights from {self.folder}")
        return disparity_cell(self.folder, self.record, self.amp_level, self.start())

    def pose(self):
        """Cell of two images (B, 3, h, w) in the order of time -> (B, 1, 6) next_from_this."""
        return pose_cell(self.folder, self.record, self.amp_level, self.start())
