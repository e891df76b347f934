"""Zero-shot evaluation of a checkpoint on the datasets that data_name asks for."""

import csv
import io
import json
import time

import mindspore as ms

from .build import load_network
from .eval_data import PROTOCOLS, open_datasets
from .evaluation import Evaluator
from .model_utils.config import InputError
from .model_utils.device import setup
from .model_utils.images import write_bytes
from .model_utils.step import mixed_precision
from .panels import write_panels


def evaluate(config):
    """Evaluate, print one line a dataset, write ann_file, csv_file and the panels.

    Raises:
        InputError: bad checkpoint, a named dataset that is not on disk, or a bad file.
        RunError: a prediction that is not finite.
    """
    protocol = PROTOCOLS[config.eval_protocol]
    graphs = onnx_graphs(config)
    datasets = open_datasets(config, protocol, list(graphs))
    predict = None if graphs else make_predict(config, setup(config))
    result_file = config.onnx_file if graphs else config.ann_file
    evaluator, reports = make_evaluator(config, protocol, predict), []
    for name, dataset in datasets.items():
        evaluator.predict = onnx_predict(graphs[name]) if graphs else predict
        report = evaluator.run(dataset, _progress(name))
        reports.append(report)
        for image in report.left_out:
            print(f"left out, no valid pixel: {name} {image}", flush=True)
        print(report.line(), flush=True)
        # After each dataset: an interrupted run keeps what it has.
        write_bytes(result_file, json.dumps({r.title: r.value for r in reports}).encode())
        write_bytes(config.csv_file, per_image_csv(reports).encode())
        if config.save_panels:
            rows = report.rows
            write_panels(config.panels_path, evaluator, dataset, rows, config.save_panels)
    print({report.title: report.value for report in reports})
    compiled = f"{len(evaluator.shapes)} graphs were compiled"
    print(f"wrote {result_file} and {config.csv_file}; {compiled}", flush=True)


def make_predict(config, device):
    """predict((B, 3, h, w) float32) -> (B, h, w), the network with the weights of ckpt_path."""
    net, _ = mixed_precision(load_network(config, config.ckpt_path), config.amp_level, device)
    return lambda images: net(ms.Tensor(images)).asnumpy().astype("float32")


def onnx_graphs(config):
    """{dataset: ONNX file} of the data_name that <dataset>_onnx is given for."""
    names = ("TUM", "Kitti", "Sintel") if config.data_name == "all" else (config.data_name,)
    paths = {name: getattr(config, f"{name}_onnx", "") for name in names}
    return {name: path for name, path in paths.items() if path}


def onnx_predict(path):
    """predict of an ONNX graph, through onnxruntime; InputError names what does not fit."""
    try:
        import onnxruntime
    except ImportError:
        raise InputError("ONNX graphs need onnxruntime: pip install onnxruntime") from None
    try:
        session = onnxruntime.InferenceSession(
            path, providers=onnxruntime.get_available_providers()
        )
    except Exception as err:  # onnxruntime has a class of its own for each reason
        raise InputError(f"{path}: no ONNX graph: {' '.join(str(err).split())}") from None
    (source,) = session.get_inputs()

    def predict(images):
        if list(images.shape) != source.shape:
            hint = "export it at that --img_height and --img_width, with --eval_batch_size 1"
            raise InputError(f"{path} takes {source.shape}, got {list(images.shape)}; {hint}")
        return session.run(None, {source.name: images})[0]

    return predict


def make_evaluator(config, protocol, predict):
    """Evaluator with the configuration's image size, normalisation, batch and workers."""
    size = config.img_width, config.img_height
    batch, workers = config.eval_batch_size, config.num_parallel_workers
    options = (config.nm_img_mean, config.nm_img_std, batch, workers, config.skip_bad_samples)
    return Evaluator(predict, protocol, size, *options)


def _progress(name):
    """Print at most once in five seconds, and at the end."""
    began = last = time.perf_counter()

    def progress(done, count):
        nonlocal last
        now = time.perf_counter()
        if now - last > 5 or done == count:
            last, rate = now, done / (now - began)
            left = (count - done) / rate
            text = f"processing: {done} / {count}, {rate:.2f} images/s, {left:.0f} s left"
            print(f"{name} {text}", flush=True)

    return progress


def per_image_csv(reports):
    """One line an image: value, valid pixels, alignment, shape at the network."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head = "dataset,image,metric,value,valid_pixels,scale,shift,network_height,network_width"
    writer.writerow(head.split(","))
    for report in reports:
        for row in report.rows:
            s = row.score
            numbers = (s.value, s.valid_pixels, s.scale, s.shift, *row.shape)
            writer.writerow((report.title, row.name, report.metric, *numbers))
    return text.getvalue()
