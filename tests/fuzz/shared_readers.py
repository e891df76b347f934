"""What all models read: src/model_utils. The copies are identical, so one model's are damaged."""

import json
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import nn

from midas.src.model_utils import (
    checkpoint,
    config,
    errors,
    files,
    graph,
    graph_cache,
    host,
    program,
    record,
    weights,
)
from tests.fuzz.children import Reader
from tests.model_utils import host_trees

ERRORS = (errors.InputError, errors.RunError)
DATA = Path(__file__).resolve().parents[1] / "model_utils" / "data"
CONFIG = Path(__file__).resolve().parents[2] / "midas" / "config.yaml"


def _nets():
    return {"first": nn.Dense(3, 4), "second": nn.SequentialCell(nn.Dense(4, 2), nn.BatchNorm2d(2))}


def _one():
    return {"first": _nets()["first"]}


def _parameters():
    return [parameter for net in _one().values() for parameter in net.get_parameters()]


def _write_foreign(folder):
    """Checkpoints as other programs write them: no record, no checksum."""
    ms.save_checkpoint(_one()["first"], str(folder / "foreign.ckpt"), append_dict={"epoch": 3})
    half = [ms.Parameter(ms.Tensor(p.asnumpy(), ms.float16), p.name) for p in _parameters()]
    items = [{"name": p.name, "data": p} for p in half]
    ms.save_checkpoint(items, str(folder / "half.ckpt"))
    for path in folder.iterdir():
        path.chmod(0o644)


def _write_old_state(folder):
    """The state of version 0.1: the progress is an entry beside the parameters."""
    items = [{"name": p.name, "data": p} for p in _parameters()]
    progress = {"progress": json.dumps({"step": 3, "loss": 0.5})}
    ms.save_checkpoint(items, str(folder / "state.ckpt"), append_dict=progress)
    (folder / "state.ckpt").chmod(0o644)


def _write_state(folder):
    progress = {"step": 3, "best": {"loss": 0.5}, "terms": [1.5, None]}
    checkpoint.save_state(folder / "state.ckpt", _parameters(), progress)


def _write_kept_graph(folder):
    (folder / "0.graph").write_bytes(bytes(range(256)))
    files.append_record(folder / "0.graph", {"compile_dependency.hash": "0123456789abcdef"})


def _write_rows(folder):
    coarse = record.Record(folder / "metrics.csv", "coarse", 0)
    for step in range(10):
        coarse.add(step=step, loss=1 / (step + 1), rate=1e-4)
    fine = record.Record(folder / "metrics.csv", "fine", 0)
    for step in range(10):
        fine.add(step=step, loss=1 / (step + 1), delta1=0.5)


def _read_rows(folder, file):
    rows = record.Record(file, "fine", 5)
    rows.add(step=5, loss=0.25, psnr=20.5)
    record.draw_curves(file, folder / "curves.png")


def _write_saved_config(folder):
    config.save_config(config.load_config(CONFIG), folder / "saved.yaml")
    (folder / "by_hand.yaml").write_text("batch_size: 4\nlr_decay: True\nlayers: [1, 1, 1, 1]\n")


def _read_saved_config(folder, file):
    keys = program.keys_read(CONFIG.with_name("train.py"))
    config.load_config(CONFIG, ["--config_path", str(file)], keys, "train.py")


def _read_main_config(folder, file):
    config.load_config(file)
    options = config.read_options(file)
    program.help_text(options, set(options.defaults), "A program.")


class _Small(nn.Cell):
    """A network with what the models are built of."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, has_bias=True)
        self.second = nn.SequentialCell(nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 3))

    def construct(self, image):
        return self.second(self.first(image)).squeeze(1)


def write_graph(folder):
    """An exported graph of 3x16x16 images, and its sidecar."""
    ms.set_context(mode=ms.GRAPH_MODE, device_target="CPU")
    image = {"mean": [0.5] * 3, "std": [0.25] * 3, "resize": {"height": 16, "width": 16}}
    sidecar = {"model": "midas", "inputs": [{"shape": [1, 3, 16, 16]}], "image": image}
    example = np.random.default_rng(0).random((1, 3, 16, 16), np.float32)
    graph.export_graph(_Small(), [example], folder / "net", "MINDIR", sidecar)


def _write_old_graph(folder):
    """The same by a version that wrote no checksum."""
    write_graph(folder)
    path = folder / "net.json"
    sidecar = json.loads(path.read_text())
    del sidecar["crc32"]
    path.write_text(json.dumps(sidecar))


def _write_weights(folder):
    """PyTorch's two containers, and .npz."""
    for path in DATA.glob("*.p*"):
        (folder / path.name).write_bytes(path.read_bytes())
    arrays = {"conv.weight": np.ones((3, 4, 2), np.float32), "count": np.int64(3)}
    np.savez(folder / "plain.npz", **arrays)
    np.savez_compressed(folder / "compressed.npz", **arrays)


def _write_host(folder):
    host_trees.make_cards(folder, ["910A", "310"])
    host_trees.make_driver(folder)
    host_trees.make_cann(folder)


def _read_host(folder, file):
    assert host.look(folder, {}).report()


def _reader(write, targets, read):
    return Reader(write, targets, read, ERRORS)


READERS = {
    "networks in a file": _reader(
        lambda folder: checkpoint.save_networks(
            _nets(), folder / "net.ckpt", {"options": {"layers": 3}, "size": [4, 5]}
        ),
        ("*.ckpt",),
        lambda folder, file: checkpoint.load_networks(_nets(), file),
    ),
    "networks in a folder": _reader(
        lambda folder: checkpoint.save_networks(_nets(), folder / "weights_0"),
        ("weights_0/*.ckpt",),
        lambda folder, file: checkpoint.load_networks(_nets(), folder / "weights_0"),
    ),
    "checkpoint without record": _reader(
        _write_foreign,
        ("*.ckpt",),
        lambda folder, file: checkpoint.load_networks(_one(), file, allow_missing=True),
    ),
    "state": _reader(
        _write_state, ("state.ckpt",), lambda _, file: checkpoint.load_state(file, _parameters())
    ),
    "state of version 0.1": _reader(
        _write_old_state, ("*.ckpt",), lambda _, file: checkpoint.load_state(file, _parameters())
    ),
    "metrics.csv": _reader(_write_rows, ("metrics.csv",), _read_rows),
    "saved configuration": _reader(_write_saved_config, ("*.yaml",), _read_saved_config),
    "config.yaml": _reader(
        lambda folder: (folder / "config.yaml").write_bytes(CONFIG.read_bytes()) and None,
        ("*.yaml",),
        _read_main_config,
    ),
    "graph": _reader(write_graph, ("*.mindir",), lambda folder, file: graph.load_graph(file)),
    "graph without checksum": _reader(
        _write_old_graph, ("*.mindir",), lambda folder, file: graph.load_graph(file)
    ),
    "kept graph": Reader(
        _write_kept_graph,
        ("*.graph",),
        lambda folder, file: graph_cache._is_intact(file),
        ERRORS,
        skips=True,
    ),
    "sidecar": _reader(
        write_graph, ("*.json",), lambda folder, file: graph.load_graph(folder / "net.mindir")
    ),
    "foreign weights": _reader(
        _write_weights, ("*",), lambda folder, file: weights.read_weights(file)
    ),
    "host": Reader(
        _write_host,
        ("sys/**/vendor", "sys/**/device", "usr/**/version.info"),
        _read_host,
        ERRORS,
        skips=True,
    ),
}
