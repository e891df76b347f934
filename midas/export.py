"""Export MiDaS: python export.py --model_weights MIDAS.ckpt --file_format MINDIR|ONNX|AIR"""

from pathlib import Path

from src.exporting import random_image, sidecar
from src.model_utils.checkpoint import load_networks
from src.model_utils.context import start, without_values
from src.model_utils.cpu_forms import use_plain_forms
from src.model_utils.graph import check_format, export_graph
from src.model_utils.program import run
from src.networks import MidasNet
from src.prediction import weights_file
from src.transforms import network_size


def main(config):
    """Export model_weights (else ckpt_path) at img_height x img_width to export_path/midas."""
    checkpoint = weights_file(config.model_weights or config.ckpt_path)
    check_format(config.file_format, start(config))
    with without_values():
        network = MidasNet(
            layers=config.layers,
            features=config.features,
            groups=config.groups,
            width_per_group=config.width_per_group,
            network_variant=config.network_variant,
            grouped_conv=config.grouped_conv,
        )
    load_networks({"midas": network}, checkpoint)
    use_plain_forms(network)

    aim = config.img_width, config.img_height
    rule = {"method": config.resize_method, "multiple_of": config.ensure_multiple_of}
    width, height = network_size(aim, aim, **rule)
    export_graph(
        network,
        [random_image(height, width)],
        path=Path(config.export_path) / "midas",
        file_format=config.file_format,
        sidecar=sidecar(height, width, config.nm_img_mean, config.nm_img_std),
    )


if __name__ == "__main__":
    run(main, __doc__)
