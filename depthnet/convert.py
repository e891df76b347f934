"""Bring published weights: python convert.py --source_path FILE --target_path OUT.ckpt"""

from src.model_utils.program import run
from src.model_utils.weights import check_paths, read_weights, save_converted
from src.networks import CoarseNet, FineNet
from src.weights import map_names


def main(config):
    """Convert source_path to a checkpoint of CoarseNet or FineNet at target_path."""
    paths = {"source_path": config.source_path, "target_path": config.target_path}
    check_paths(**paths)
    source = read_weights(config.source_path)
    networks = {"CoarseNet": CoarseNet(), "FineNet": FineNet()}
    kind, names = map_names(source, networks)
    advice = "expected the names and shapes of CoarseNet or FineNet"
    save_converted(source, names, networks[kind], kind=kind, advice=advice, **paths)


if __name__ == "__main__":
    run(main, __doc__)
