"""GeoNet's full flow beside the flow of the rigid scene, from the same weights.

    python -m scripts.quickstart.compare_geonet_flow STRIPS SCENE_FLOW WEIGHTS OUTPUT_DIR

Only a network that sees what moves can be right on the pixels of moving cars (obj_map): there the
full flow's end-point error must be below the rigid flow's, else exit 1.
"""

import sys
from pathlib import Path

import numpy as np
from mindspore import Tensor
from PIL import Image

from geonet.src.evaluation.flow import open_strips
from geonet.src.networks import needed_networks
from geonet.src.networks.full_flow import RigidFlow
from geonet.src.networks.models import preprocess
from geonet.src.sfm_utils.flow_evaluation import resize_flow
from geonet.src.sfm_utils.flow_files import read_flo, read_flow_png
from geonet.src.weights import find_weights, load, open_weights

from .comparison import print_table, verdict

ROWS = ("moving cars", "the rest", "all pixels")


def rigid_flows(strips, weights):
    """The flow (h, w, 2) to the next frame that depth and camera motion explain, of each strip.

    Args:
        strips: Strips.
        weights: Weights of a residual network.
    """
    networks = load(weights, needed_networks("rigid", "residual"))
    cell = RigidFlow(networks, weights.record["scale_normalize"])
    for number in range(len(strips)):
        sample = strips.load(number)
        given = [Tensor(sample[key][None]) for key in ("target", "sources", "K", "inv_K")]
        (flow,) = cell(preprocess(given[0]), preprocess(given[1]), *given[2:])
        yield flow.asnumpy()[len(flow) // 2].transpose(1, 2, 0)


def errors(flows, names, scene_flow):
    """{row: mean end-point error in pixels of the benchmark's images} of predicted flows."""
    found = {row: [] for row in ROWS}
    folder = Path(scene_flow, "training")
    for flow, name in zip(flows, names):
        truth, valid = read_flow_png(folder / "flow_occ" / f"{name}_10.png")
        is_moving = object_map(folder / "obj_map" / f"{name}_10.png") > 0
        flow = resize_flow(flow, *truth.shape[:2])
        error = np.linalg.norm(flow - truth, axis=2)
        for row, part in zip(ROWS, (is_moving, ~is_moving, np.ones_like(is_moving))):
            found[row].append(error[part & (valid > 0)])
    return {row: float(np.concatenate(parts).mean()) for row, parts in found.items()}


def object_map(path):
    """(H, W) numbers of the moving objects, 0 for none."""
    with Image.open(path) as image:
        return np.asarray(image)


def main(strips_dir, scene_flow, weights_file, output_dir):
    """Print the table, return the exit status."""
    weights = open_weights(find_weights(weights_file))
    size = weights.record["img_height"], weights.record["img_width"]
    strips, names = open_strips(strips_dir, size, weights.record["seq_length"])
    folder = Path(output_dir, weights.path.stem, "binary")
    full = [read_flo(folder / f"{name}.flo") for name in names]
    columns = {
        "rigid flow": errors(rigid_flows(strips, weights), names, scene_flow),
        "full flow": errors(full, names, scene_flow),
    }
    print_table(ROWS, columns)
    print(f"mean end-point errors in pixels over {len(names)} held-out scenes")
    values = [columns[name][ROWS[0]] for name in ("full flow", "rigid flow")]
    return verdict("the full flow's error on moving cars", 1 - values[0] / values[1], "rigid", 0)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(main(*sys.argv[1:]))
