"""Images/s per core of DepthNet's training data, beside the original's pipeline.

    python -m tests.benchmarks.bench_depthnet_data --original CHECKOUT [--rounds 5] [--json FILE]

Rendered NYU frames (640x480, JPEG and 8-bit PNG), batches of 32, with each pipeline's own flips and
jitter. The original's create_train_data_set is called as it is, with as many workers as cores.
"""

from tests.benchmarks.beside_original import ORIGINAL, OURS, found, parse, run

MODULE = "tests.benchmarks.bench_depthnet_data"


def our_data(options):
    """The batches of train.py."""
    from depthnet.src.datasets import NyuTrain
    from depthnet.src.model_utils.stream import SampleStream

    stream = SampleStream(NyuTrain(options.folder), options.batch, seed=0)
    steps = options.epochs * stream.steps_per_epoch
    return stream.batches(0, steps, ("rgb", "depth"), workers=options.cores)


def original_data(options):
    """The batches of the original's train.py."""
    import train as original

    original.num_parallel_workers = options.cores  # that of its command line, where it is global
    folder = f"{options.folder}/Train"
    return original.create_train_data_set(folder, options.batch, options.epochs, 0)


def main():
    """Render, measure, print a table."""
    options = parse(__doc__, "depthnet_data", batch=32, images=96)
    original = options.original and found(
        options.original, "research/cv/DepthNet", "src/data_loader.py"
    )
    render = ["nyu", "--train", str(options.images), "--test", "0"]
    data = {OURS: our_data, ORIGINAL: original_data}
    run(MODULE, "DepthNet's training data", options, original, data, render)


if __name__ == "__main__":
    main()
