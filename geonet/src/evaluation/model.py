"""The networks of a weights file, built when they are needed."""

from typing import NamedTuple

import mindspore as ms
import numpy as np
from mindspore import nn

from ..model_utils.batches import filled
from ..model_utils.checkpoint import prefix_names
from ..model_utils.graph_cache import with_graph_cache
from ..model_utils.step import mixed_precision
from ..networks import needed_networks
from ..networks.full_flow import FullFlow, depth_of
from ..networks.models import check_size, preprocess
from ..options import check_length
from ..weights import find_weights, load, open_weights
from ..weights.loading import must_hold


class Facts(NamedTuple):
    """What must be known of networks; weights tell theirs, the user's options the rest."""

    img_height: int
    img_width: int
    seq_length: int
    dispnet_encoder: str
    scale_normalize: bool
    flownet_type: str


class Depth(nn.Cell):
    """Depth, up to scale.

    Args:
        network: depth_net.
        scale_normalize: divide each disparity by its mean.
    """

    def __init__(self, network, scale_normalize):
        super().__init__(auto_prefix=False)  # the network keeps its names
        self.network, self.scale_normalize = network, scale_normalize

    def construct(self, images):
        """(B, 3, H, W) uint8, RGB -> (B, 1, H, W), > 0."""
        return depth_of(self.network(preprocess(images))[0], self.scale_normalize)


class Poses(nn.Cell):
    """Poses of the sources.

    Args:
        network: pose_net.
    """

    def __init__(self, network):
        super().__init__(auto_prefix=False)  # the network keeps its names
        self.network = network

    def construct(self, images):
        """(B, 3 L, H, W) uint8, RGB, the target first -> (B, L - 1, 6); see `PoseNet`."""
        return self.network(preprocess(images))


class Flow(nn.Cell):
    """Flow from the target to one source.

    Args:
        network: FullFlow of that source.
    """

    def __init__(self, network):
        super().__init__(auto_prefix=False)  # the networks keep their names
        self.network = network

    def construct(self, images, K, inv_K):
        """(B, 3 L, H, W) uint8, the target first; (B, 3, 3) twice, pixels -> (B, 2, H, W)."""
        seen = preprocess(images)
        return self.network(seen[:, :3], seen[:, 3:], K, inv_K)


class Model:
    """What a test predicts with.

    Args:
        init_ckpt_file: of the weights, ours or TensorFlow's, with or without the ending.
        given: Facts that the user gave.
        batch_size: samples per step.
        amp_level: see `mixed_precision`.
        start: function that starts the device; called once inputs are known to be there.
        eager: see `with_graph_cache`.
    Raises:
        InputError: no such weights.

    Attributes:
        facts: Facts; a line tells where the weights' differ from what was given.
        name: of the weights, which the original gives to the files of predictions.
    """

    def __init__(self, init_ckpt_file, given, batch_size, amp_level, start, eager=False):
        self.weights, self.batch_size = open_weights(find_weights(init_ckpt_file)), batch_size
        self.amp_level, self.start, self.eager = amp_level, start, eager
        self.name, record = self.weights.path.stem, self.weights.record
        known = {key: value for key in Facts._fields if (value := record[key]) is not None}
        self.facts = given._replace(**known)
        pairs = zip(Facts._fields, self.facts, given)
        told = [f"{key} {value} (not {other})" for key, value, other in pairs if value != other]
        if told:
            print(f"the weights are of {', '.join(told)}", flush=True)
        check_length(self.facts.seq_length)

    @property
    def size(self):
        """(height, width) at the networks."""
        return self.facts.img_height, self.facts.img_width

    def check(self, task, needed_by=""):
        """Before anything is built: the weights serve a task.

        Args:
            task: depth, pose or flow.
            needed_by: what needs it, for an error; "": test_<task>.
        Raises:
            InputError: they lack a network, or are of a size that the networks do not take.
        """
        needed = needed_networks(task, self.facts.flownet_type)
        must_hold(self.weights, needed, needed_by or f"test_{task}")
        if task != "pose":
            check_size(*self.size, self.facts.dispnet_encoder)

    def _networks(self, task):
        """{name: network} of a task, in evaluation mode and the precision of the run."""
        device = self.start()
        networks = load(self.weights, needed_networks(task, self.facts.flownet_type))
        prefix_names(networks)  # two of them may have parameters of the same name
        level = self.amp_level, device
        return {name: mixed_precision(net, *level)[0] for name, net in networks.items()}

    def depth(self):
        """Function of (b, 3, H, W) uint8, b up to the batch size -> depths (b, H, W)."""
        network = self._networks("depth")["depth_net"]
        run = self._function(Depth(network, self.facts.scale_normalize))
        return lambda images: run(images)[:, 0]

    def poses(self):
        """Function of (b, 3 L, H, W) uint8, the target first -> poses (b, L - 1, 6)."""
        return self._function(Poses(self._networks("pose")["pose_net"]))

    def flow(self, source=None):
        """Function of (b, 3 L, H, W) uint8, K and its inverse (b, 3, 3) -> flow (b, H, W, 2).

        Args:
            source: number of the source to which the flow leads; None: the one in the middle, the
                frame after the target.
        """
        facts = self.facts
        source = (facts.seq_length - 1) // 2 if source is None else source
        kind = facts.flownet_type, facts.scale_normalize
        run = self._function(Flow(FullFlow(self._networks("flow"), *kind, source)))
        return lambda *inputs: run(*inputs).transpose(0, 2, 3, 1)

    def _function(self, cell):
        """A cell as a function of arrays, a batch that may be short."""
        run = with_graph_cache(cell, self.eager)

        def on_arrays(*inputs):
            tensors = [ms.Tensor(np.ascontiguousarray(filled(x, self.batch_size))) for x in inputs]
            return run(*tensors).numpy()[: len(inputs[0])]

        return on_arrays
