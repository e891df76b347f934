"""Export Monodepth2: python export.py --load_weights_folder FOLDER --file_format MINDIR|ONNX|AIR"""

from pathlib import Path

from src.exporting import graphs_of, use_split_elu
from src.model_utils.context import start
from src.model_utils.cpu_forms import use_plain_forms
from src.model_utils.graph import check_format, export_graph
from src.model_utils.program import run
from src.prediction.loading import weights_folder
from src.weights import read_folder_record


def main(config):
    """Export a folder's depth and pose networks, at the size of their training, to export_path."""
    folder = weights_folder(config.load_weights_folder, config.model_name, config.train_url)
    record = read_folder_record(folder)
    device = start(config)
    check_format(config.file_format, device)
    for graph in graphs_of(folder, record, config.batch, device):
        use_plain_forms(graph.cell)
        if config.file_format == "ONNX":
            use_split_elu(graph.cell)
        export_graph(
            graph.cell,
            graph.inputs,
            path=Path(config.export_path) / graph.name,
            file_format=config.file_format,
            sidecar=graph.sidecar,
        )


if __name__ == "__main__":
    run(main, __doc__)
