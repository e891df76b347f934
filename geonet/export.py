"""Export GeoNet: python export.py --init_ckpt_file C/model-N --file_format MINDIR|ONNX|AIR"""

from pathlib import Path

from src.evaluation.model import Facts, Model
from src.exporting import graphs_of
from src.model_utils.context import start
from src.model_utils.cpu_forms import use_plain_forms
from src.model_utils.graph import check_format, export_graph
from src.model_utils.program import run


def main(config):
    """Export depth, poses, rigid and full flow, as far as the weights go, to export_path."""
    size, encoder = (config.img_height, config.img_width), config.dispnet_encoder
    kind = config.seq_length, encoder, config.scale_normalize, config.flownet_type
    weights = config.init_ckpt_file or config.train_url
    model = Model(weights, Facts(*size, *kind), config.batch, "O0", None)
    check_format(config.file_format, start(config))
    for graph in graphs_of(model, config.batch):
        use_plain_forms(graph.cell)
        export_graph(
            graph.cell,
            graph.inputs,
            path=Path(config.export_path) / graph.name,
            file_format=config.file_format,
            sidecar=graph.sidecar,
        )


if __name__ == "__main__":
    run(main, __doc__)
