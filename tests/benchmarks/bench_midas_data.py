"""Images/s per core of MiDaS's training data, beside the original's pipeline.

    python -m tests.benchmarks.bench_midas_data --original CHECKOUT [--rounds 5] [--json FILE]

Rendered ReDWeb pairs of a usual size (960x720), batches of 8 at 384x384. The original's
LoadImagesDepth is read by a GeneratorDataset, shuffled, as in its midas_train.py, with as many
workers as cores (its own: 1, distributed 8); it neither flips nor leaves pixels out. Ours does
both, as train.py does by default.
"""

import json
import sys
from pathlib import Path

from tests.benchmarks.beside_original import ORIGINAL, OURS, found, parse, run
from tests.benchmarks.common import ROOT

MODULE = "tests.benchmarks.bench_midas_data"
SIZE = (720, 960)


def our_data(options):
    """The batches of train.py, by config.yaml's defaults."""
    import yaml

    from midas.src.datasets.training import MixedPairs, training_pairs
    from midas.src.model_utils.stream import SampleStream

    config = yaml.safe_load((ROOT / "midas" / "config.yaml").read_text())["data"]
    samples = MixedPairs(
        training_pairs(options.folder, mixdata="mixdata.json"),
        size=(384, 384),
        mean=config["nm_img_mean"],
        std=config["nm_img_std"],
        mask_invalid=config["mask_invalid"],
        flip_probability=config["flip_probability"],
    )
    stream = SampleStream(samples, options.batch, seed=0)
    steps = options.epochs * stream.steps_per_epoch
    return stream.batches(0, steps, ("img", "mask", "depth"), workers=options.cores)


def original_data(options):
    """The batches of the original's midas_train.py, whose configuration reads the command line."""
    import mindspore.dataset as ds

    sys.argv[1:] = []
    from src.utils.loadImgDepth import LoadImagesDepth

    patterns = json.loads(Path(options.folder, "mixdata.json").read_text())["img"]
    samples = LoadImagesDepth(local_path=options.folder, img_paths=patterns)
    ds.config.set_enable_shared_mem(False)
    order = {"shuffle": True, "num_parallel_workers": options.cores}
    data = ds.GeneratorDataset(samples, ["img", "mask", "depth"], **order)
    return data.batch(options.batch, drop_remainder=True).repeat(options.epochs)


def main():
    """Render, measure, print a table."""
    options = parse(__doc__, "midas_data", batch=8, images=48)
    original = options.original and found(
        options.original, "research/cv/midas", "src/utils/loadImgDepth.py"
    )
    height, width = map(str, SIZE)
    render = ["redweb", "--images", str(options.images), "--height", height, "--width", width]
    data = {OURS: our_data, ORIGINAL: original_data}
    run(MODULE, "MiDaS's training data", options, original, data, render)


if __name__ == "__main__":
    main()
