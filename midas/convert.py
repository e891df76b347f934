"""Bring published weights: python convert.py --source_path FILE --target_path OUT.ckpt"""

from src.model_utils.program import run
from src.model_utils.weights import check_paths, read_weights, save_converted
from src.networks import MidasNet
from src.weights import ENCODER_KIND, map_names


def main(config):
    """Convert source_path to a checkpoint of this network, or of its encoder, at target_path."""
    paths = {"source_path": config.source_path, "target_path": config.target_path}
    check_paths(**paths)
    source = read_weights(config.source_path)
    kind, names = map_names(source, config.source_path)
    network = MidasNet(
        layers=config.layers,
        features=config.features,
        groups=config.groups,
        width_per_group=config.width_per_group,
        network_variant=config.network_variant,
        grouped_conv=config.grouped_conv,
    )
    save_converted(
        source,
        names,
        network.pretrained if kind == ENCODER_KIND else network,
        kind=kind,
        advice="set layers, features, groups, width_per_group to the file's network",
        record={"options": network.options},
        **paths,
    )


if __name__ == "__main__":
    run(main, __doc__)
