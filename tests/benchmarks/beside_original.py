"""Measures training data beside the original's own pipeline, which is imported from its checkout.

Every measurement is a process of its own that may use one core, or two, and as many loaders. It
reads the same rendered files in batches of the same size for the same number of epochs; what it
counts begins when the iterator is made, since a pipeline may fill its buffers before the first
batch. Of the rounds, which take turns, the best counts: images/s of each core, and CPU time of an
image (that of the process and of its loaders), which others on the machine disturb less.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.common import ROOT, in_fresh_process, report

OURS, ORIGINAL = "mindspore", "original"
CORES = (1, 2)
COLUMNS = ["cores", "per_s", "original_per_s", "ratio", "cpu_ms", "original_cpu_ms"]


def parse(doc, name, batch, images):
    """The command line that these benchmarks share.

    Args:
        doc: the program's docstring.
        name: of the JSON file.
        batch: the original's batch size.
        images: how many are rendered; a multiple of the batch size.
    """
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--original", type=Path, help="checkout of the model zoo; without it ours")
    parser.add_argument("--json", default=ROOT / "out" / "benchmarks" / f"{name}.json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=images, help="rendered for the measurement")
    parser.add_argument("--epochs", type=int, default=4, help="of each measurement")
    parser.add_argument("--batch", type=int, default=batch, help=argparse.SUPPRESS)
    parser.add_argument("--case", choices=(OURS, ORIGINAL), help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--cores", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.images < options.batch or options.images % options.batch:
        wanted = f"a multiple of the batch size {options.batch}"
        parser.exit(2, f"--images {options.images}: expected {wanted}\n")
    return options


def found(checkout, place, file):
    """The original's folder: the checkout's `place`, or the checkout itself.

    Args:
        file: a path inside it, which proves that it is the original.
    Raises:
        SystemExit: with code 2 and one line if neither holds it.
    """
    for folder in (checkout / place, checkout):
        if (folder / file).is_file():
            return folder.resolve()
    wanted = f"a checkout of github.com/mindspore-ai/models, with {place}/{file}"
    print(f"--original {checkout}: expected {wanted}", file=sys.stderr)
    raise SystemExit(2)


def measure(data, cores):
    """What a measurement's process prints.

    Args:
        data: function that returns a MindSpore dataset of batches; the first column are images.
        cores: how many this process may use.
    Returns:
        {"rate": images/s of each core, "cpu_ms": CPU time of an image, "columns": shape and dtype
        of a sample's arrays}.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    import mindspore.dataset as ds

    ds.config.set_num_parallel_workers(cores)  # where the pipeline itself names no number
    batches = data()
    began, cpu, count = time.perf_counter(), sum(os.times()[:4]), 0
    iterator = batches.create_tuple_iterator(num_epochs=1, output_numpy=True)
    for batch in iterator:
        count += len(batch[0])
    rate = count / (time.perf_counter() - began)
    del iterator, batches
    gc.collect()  # ends loaders that are processes: only then their time is known
    cpu = sum(os.times()[:4]) - cpu
    columns = [[*array.shape[1:], str(array.dtype)] for array in batch]
    return {"rate": rate / cores, "cpu_ms": 1000 * cpu / count, "columns": columns}


def compare(module, options, original):
    """Rows of the table, by turns.

    Args:
        module: the program, which prints `measure`'s result in a process of its own.
        original: the original's folder, None: ours alone.
    Raises:
        SystemExit: a pipeline failed, or the two give different arrays.
    """
    variables = {ORIGINAL: {"PYTHONPATH": str(original), "PYTHONDONTWRITEBYTECODE": "1"}, OURS: {}}
    cases = (OURS, ORIGINAL) if original else (OURS,)
    names = ("folder", "batch", "images", "epochs")
    settings = {name: getattr(options, name) for name in names}
    rows = []
    for cores in CORES[: os.cpu_count()]:
        results = {case: [] for case in cases}
        for case in cases * options.rounds:
            result = in_fresh_process(module, case, variables[case], cores=cores, **settings)
            if "error" in result:
                raise SystemExit(f"{case}: {result['error']}")
            results[case].append(result)
        columns = {case: found[0]["columns"] for case, found in results.items()}
        if any(each != columns[OURS] for each in columns.values()):
            raise SystemExit(f"different samples, not compared: {columns}")
        rows.append([cores, *_row(results[OURS], results.get(ORIGINAL))])
    return rows


def _row(ours, originals):
    """The cells of COLUMNS after the first, without an original empty ones."""
    rate, cpu = (max(each["rate"] for each in ours), min(each["cpu_ms"] for each in ours))
    if not originals:
        return [rate, None, None, cpu, None]
    other = max(each["rate"] for each in originals)
    return [rate, other, rate / other, cpu, min(each["cpu_ms"] for each in originals)]


def run(module, title, options, original, data, render):
    """Measure one case (in the child) or all of them (the program).

    Args:
        data: {case: function of the options that returns a MindSpore dataset of batches}.
        render: words of `python -m tests.synthetic` before and after the folder.
    """
    if options.case:
        print(json.dumps(measure(lambda: data[options.case](options), options.cores)))
        return
    with tempfile.TemporaryDirectory() as folder:
        options.folder = str(Path(folder) / "data")
        command = [sys.executable, "-m", "tests.synthetic", render[0], options.folder, *render[1:]]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
        rows = compare(module, options, original)
    report(f"{title}, images/s of each core, CPU", COLUMNS, rows, options.json)
