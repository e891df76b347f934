"""The models of bench_310: their networks in three libraries, their weights and their flags."""

import argparse
from pathlib import Path

from tests.benchmarks import bench_midas_network
from tests.golden_weights import det

INPUTS = {
    "depthnet": (1, 3, 228, 304),
    "geonet": (1, 3, 128, 416),
    "midas": (1, 3, 384, 384),
    "monodepth2": (1, 3, 192, 640),
}
_FILES = {  # names of the checkpoints
    "depthnet": ("FinalCoarseNet.ckpt", "FinalFineNet.ckpt"),
    "geonet": ("model-1.ckpt",),
    "midas": ("Midas.ckpt",),
    "monodepth2": ("weights",),
}
_WEIGHTS = {  # the flags that take them: of export.py, of infer.py
    "depthnet": (None, "--model_weights"),
    "geonet": ("--init_ckpt_file", "--init_ckpt_file"),
    "midas": ("--model_weights", "--model_weights"),
    "monodepth2": ("--load_weights_folder", "--load_weights_folder"),
}
KINDS = {"moving_mean": "mean", "moving_variance": "var", "gamma": "gamma", "beta": "beta"}


def fill(net):
    """Deterministic weights by parameter name."""
    import mindspore as ms

    for parameter in net.get_parameters():
        last = parameter.name.rsplit(".", 1)[-1]
        kind = KINDS.get(last, "bias" if last == "bias" else "weight")
        parameter.set_data(ms.Tensor(det(parameter.name, parameter.shape, kind)))
    return net.set_train(False)


def mindspore_nets(model):
    """The model's networks in graph mode."""
    if model == "midas":
        options = argparse.Namespace(grouped_conv="auto", plain=False)
        return [bench_midas_network.mindspore_net(options).set_train(False)]
    if model == "monodepth2":
        from monodepth2.src.networks import DisparityNet
        from tests.benchmarks.mindspore_monodepth2 import disparity_networks

        return [DisparityNet(**disparity_networks()).set_train(False)]
    if model == "geonet":
        from geonet.src.networks.serving import DepthGraph
        from tests.benchmarks.mindspore_geonet import networks

        return [DepthGraph(networks("depth")["depth_net"], False).set_train(False)]
    import mindspore as ms

    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_device("CPU")
    from depthnet.src.networks import CoarseNet, FineNet

    return [fill(CoarseNet()), fill(FineNet())]


def torch_net(model, folder):
    """The model as one PyTorch module, with the checkpoints' weights."""
    if model == "midas":
        return bench_midas_network.torch_net().eval()
    if model == "monodepth2":
        from tests.benchmarks.torch_monodepth2 import Disparity

        return Disparity().eval()
    if model == "geonet":
        from tests.benchmarks.torch_geonet_steps import DepthGraph

        return DepthGraph().eval()
    return _torch_depthnet(folder)


def _torch_depthnet(folder):
    import mindspore as ms
    import torch

    from tests.benchmarks import torch_depthnet

    nets = torch_depthnet.CoarseNet(), torch_depthnet.FineNet()
    for net, name in zip(nets, checkpoints("depthnet", folder)):
        values = {
            k: torch.from_numpy(v.asnumpy()) for k, v in ms.load_checkpoint(str(name)).items()
        }
        net.load_state_dict(values)
    return torch_depthnet.Both(*nets).eval()


def checkpoints(model, folder):
    """Where the weights lie."""
    return [Path(folder) / name for name in _FILES[model]]


def save(model, folder):
    """Write the checkpoints."""
    from depthnet.src.model_utils.checkpoint import save_networks, save_parameters

    paths = checkpoints(model, folder)
    _, _, height, width = INPUTS[model]
    if model == "monodepth2":
        from tests.benchmarks.mindspore_monodepth2 import disparity_networks

        record = {"height": height, "width": width, "use_stereo": False}
        record |= {"num_layers": 18, "limits": [0.1, 100], "scales": [0, 1, 2, 3]}
        save_networks(disparity_networks(), paths[0], record)
        return
    if model == "geonet":
        from tests.geonet.golden_networks import save_filled

        size = {"img_height": height, "img_width": width}
        save_filled(paths[0], ["depth_net"], dispnet_encoder="resnet50", **size)
        return
    for net, path in zip(mindspore_nets(model), paths):
        save_parameters(net.get_parameters(), path)


def exports(model, folder):
    """(runs of export.py, the flags of each; the program's flags for what they write)."""
    paths = checkpoints(model, folder)
    if model == "depthnet":
        weights = ["--coarse_ckpt_model", paths[0], "--fine_ckpt_model", paths[1]]
        runs = [[*weights, "--coarse_or_fine", kind] for kind in ("coarse", "fine")]
        graphs = [path.with_suffix(".mindir") for path in paths]
        return runs, ["--mindir", graphs[0], "--fine_mindir", graphs[1]]
    graph = Path(folder) / ("midas.mindir" if model == "midas" else "depth.mindir")
    return [[_WEIGHTS[model][0], paths[0]]], ["--mindir", graph]


def infer_flags(model, folder):
    """The flags by which infer.py finds the weights."""
    return [_WEIGHTS[model][1], *checkpoints(model, folder)]
