"""What the launchers and the preparation scripts read."""

import contextlib
import io
import json
import sys

from midas.prepare import associate, deal
from scripts.launching import new_table, results
from scripts.launching.checks import RunError, UsageError
from scripts.launching.final_result import accuracy_of, log_lines
from scripts.launching.rank_table import RankTable
from scripts.serving.__main__ import sidecar_size
from tests.fuzz.children import Reader

ERRORS = (UsageError, RunError)


def _write_rank_table(folder):
    servers = [
        {
            "server_id": f"10.0.0.{host}",
            "device": [
                {
                    "device_id": str(n),
                    "device_ip": f"192.168.{host}.{n}",
                    "rank_id": str(2 * host + n),
                }
                for n in (0, 1)
            ],
            "host_nic_ip": "reserve",
        }
        for host in (0, 1)
    ]
    table = {"version": "1.0", "server_count": "2", "server_list": servers, "status": "completed"}
    (folder / "table.json").write_text(json.dumps(table, indent=1))
    table["version"], table["super_pod_list"] = "1.2", [{"super_pod_id": "0"}]
    table["super_pod_list"][0]["server_list"] = [{"server_id": s["server_id"]} for s in servers]
    for number, server in enumerate(servers):
        for device in server["device"]:
            device["super_device_id"] = f"{number}{device['device_id']}"
    (folder / "pods.json").write_text(json.dumps(table, indent=1))


def _read_rank_table(folder, file):
    table = RankTable(file)
    table.warning()
    for index in range(len(table.servers)):
        table.of_server(index)
        table.this_server(table.servers[index]["server_id"])


def _write_conf(folder):
    (folder / "hccn.conf").write_text("".join(f"address_{n}=192.168.1.{n + 1}\n" for n in range(8)))


def _write_run(folder):
    rows = [f"midas,{step},0.5,{8 - step % 3}.25\n" for step in range(12)]
    (folder / "metrics.csv").write_text("stage,step,loss,examples_per_s\n" + "".join(rows))
    (folder / "config.yaml").write_text("batch_size: 8\nseed: 0\n")


def _write_metrics(folder):
    average = {"coarse": {"delta1_loss": 0.5, "rmse": 1e-3}, "fine": {"delta1_loss": 0.75}}
    (folder / "metrics.json").write_text(json.dumps({"average": average, "images": [1, 2]}))


def _write_logs(folder):
    lines = [
        f"Iteration: [{step:7d}] | Time: 0.100{step % 7}s/iter | Loss: {3 - step / 1000:.3f}\n"
        for step in range(100, 1000, 100)
    ]
    (folder / "train_0.log").write_text("Trainable variables: \n" + "".join(lines))
    (folder / "eval_0.log").write_text("Predictions dir: P\nATE mean: 0.0123, std: 0.0045\n")


def _write_sidecar(folder):
    image = {"resize": {"height": 384, "width": 384}, "mean": [0.5, 0.5, 0.5]}
    (folder / "net.json").write_text(json.dumps({"model": "midas", "image": image}, indent=1))


def _run(program, *words):
    """A script's main with a command line; its one line on stderr becomes a UsageError."""
    before, errors = sys.argv, io.StringIO()
    sys.argv = ["program", *map(str, words)]
    try:
        with contextlib.redirect_stderr(errors):
            status = program.main()
    finally:
        sys.argv = before
    line = errors.getvalue().removesuffix("\n")
    if status:
        if not line.startswith("error: "):
            raise AssertionError(f"exit {status} with {line!r}")
        raise UsageError(line)


def _write_stamps(folder):
    for name, shift in (("rgb", 0.0), ("depth", 0.01)):
        lines = [f"{100 + index + shift:.6f} {name}/{index}.png\n" for index in range(20)]
        (folder / f"{name}.txt").write_text(f"# {name}\n" + "".join(lines))


def _associate(folder, file):
    words = folder / "rgb.txt", folder / "depth.txt", "--output", folder / "out.txt"
    _run(associate, *words)


def _write_frames(folder):
    lines = []
    for number in range(3):
        drive, frame = "2011_09_26_drive_0002_sync", f"{number:010}"
        truth = folder / "val" / drive / "proj_depth" / "groundtruth" / "image_02"
        image = folder / "2011_09_26" / drive / "image_02" / "data"
        for place in (truth, image):
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{frame}.png").write_bytes(b"image")
        lines.append(f"{drive} {frame}\n")
    (folder / "frames.txt").write_text("".join(lines))


def _deal(folder, file):
    words = ["--depth_path", folder, "--image_path", folder, "--txt_path", file]
    _run(deal, *words, "--output_path", folder / "Kitti")


def _reader(write, targets, read):
    return Reader(write, targets, read, ERRORS)


READERS = {
    "rank table": _reader(_write_rank_table, ("*.json",), _read_rank_table),
    "hccn.conf": Reader(
        _write_conf,
        ("hccn.conf",),
        lambda _, file: new_table.device_addresses(file),
        (UsageError,),
    ),
    "a timed run's metrics.csv": _reader(
        _write_run, ("metrics.csv",), lambda folder, _: results.speed({"steps": "10"}, folder)
    ),
    "a timed run's config.yaml": _reader(
        _write_run, ("config.yaml",), lambda folder, _: results.speed({"steps": "10"}, folder)
    ),
    "a pipeline's metrics": _reader(
        _write_metrics,
        ("metrics.json",),
        lambda folder, _: results.final_metrics("metrics.json")({}, folder),
    ),
    "log of a whole-card training": _reader(
        _write_logs, ("train_0.log",), lambda _, file: log_lines(file, 1000)
    ),
    "log of a whole-card evaluation": _reader(
        _write_logs,
        ("eval_0.log",),
        lambda _, file: accuracy_of(file, r"ATE mean: (\S+), std: (\S+)"),
    ),
    "sidecar of a 310 run": _reader(
        _write_sidecar, ("net.json",), lambda folder, _: sidecar_size(folder / "net.mindir")
    ),
    "time stamps": _reader(_write_stamps, ("rgb.txt", "depth.txt"), _associate),
    "list of Kitti's frames": _reader(_write_frames, ("frames.txt",), _deal),
}
