"""Export DepthNet to MindIR: python export.py --coarse_or_fine coarse|fine|both"""

from pathlib import Path

from src.exporting import NAMES, load_graph_network, random_inputs, sidecar
from src.model_utils.context import start
from src.model_utils.cpu_forms import use_plain_forms
from src.model_utils.graph import check_format, export_graph
from src.model_utils.program import run


def main(config):
    """Export what coarse_or_fine names into export_path, with its sidecar."""
    check_format(config.file_format, start(config))
    kind = config.coarse_or_fine
    network = load_graph_network(kind, config.coarse_ckpt_model, config.fine_ckpt_model)
    use_plain_forms(network)
    path = Path(config.export_path) / NAMES[kind]
    export_graph(
        network,
        random_inputs(kind),
        path=path,
        file_format=config.file_format,
        sidecar=sidecar(kind),
    )


if __name__ == "__main__":
    run(main, __doc__)
