"""Exported graphs and their sidecars."""

import json
import zlib
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import nn

from depthnet.src.model_utils import graph
from depthnet.src.model_utils.device import Device
from depthnet.src.model_utils.errors import InputError, RunError


class Double(nn.Cell):
    """Twice its input."""

    def construct(self, x):
        return x * 2


IMAGE = np.linspace(-1, 1, 24, dtype=np.float32).reshape(1, 2, 3, 4)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The path without suffix of an exported graph."""
    ms.set_context(mode=ms.GRAPH_MODE)
    path = tmp_path_factory.mktemp("graph") / "sub" / "net.v1"
    graph.export_graph(Double(), [IMAGE], path, "MINDIR", {"mean": [0.5]})
    return path


def test_a_graph_reads_back_with_its_sidecar(exported):
    assert sorted(path.name for path in exported.parent.iterdir()) == [
        "net.v1.json",
        "net.v1.mindir",
    ]
    assert (exported.parent / "net.v1.mindir").stat().st_mode & 0o777 == 0o644
    net, sidecar = graph.load_graph(exported.parent / "net.v1.mindir")
    assert sidecar.pop("crc32") and sidecar == {"mean": [0.5]}
    np.testing.assert_array_equal(net(ms.Tensor(IMAGE)).asnumpy(), 2 * IMAGE)


def test_a_graph_of_a_version_without_checksums_still_loads(exported, tmp_path):
    """Tried in another process first, since a damaged one may crash what loads it."""
    graph_file = tmp_path / "old.mindir"
    graph_file.write_bytes((exported.parent / "net.v1.mindir").read_bytes())
    (tmp_path / "old.json").write_text('{"inputs": [{"shape": [-1, 2, 3, 4]}]}')
    net, _ = graph.load_graph(graph_file)
    np.testing.assert_array_equal(net(ms.Tensor(IMAGE)).asnumpy(), 2 * IMAGE)


def export(path, monkeypatch, loaded=None, net=None, file_format="MINDIR", image=IMAGE):
    """Export with MindSpore's exporter left out; `loaded` is what the file then computes."""

    def write(net, *inputs, file_name, file_format):
        suffix = graph._SUFFIX[file_format]
        Path(f"{file_name}{suffix}").write_bytes(b"graph")

    monkeypatch.setattr(ms, "export", write)
    monkeypatch.setattr(ms, "load", lambda name: None)
    monkeypatch.setattr(nn, "GraphCell", lambda graph: lambda x: ms.Tensor(loaded))
    graph.export_graph(net or Double(), [image], path, file_format, {"a": 1})


@pytest.mark.parametrize(
    ("net", "difference", "good"),
    [
        (Double(), 0.0, True),
        (Double(), 0.0019, True),  # a thousandth of the largest value, which is 2
        (Double(), 0.0021, False),
        (nn.ReLU(), 0.0009, True),  # or of 1 at least; the largest value is 1
        (nn.ReLU(), 0.0011, False),
        (Double(), np.nan, False),
    ],
)
def test_a_file_that_computes_something_else_is_an_error(
    tmp_path, monkeypatch, capsys, net, difference, good
):
    loaded = net(ms.Tensor(IMAGE)).asnumpy().copy()
    loaded[0, 0, 0, 0] += difference
    loaded = np.float32(loaded)
    if good:
        export(tmp_path / "net", monkeypatch, loaded, net)
        assert capsys.readouterr().out.splitlines() == [
            f"wrote {tmp_path}/net.mindir and net.json, input 1x2x3x4",
            f"loaded back: maximum difference {difference:.3g} on random input",
        ]
        checksum = f"{zlib.crc32((tmp_path / 'net.mindir').read_bytes()):08x}"
        sidecar = json.dumps({"a": 1, "crc32": checksum}, indent=1)
        assert (tmp_path / "net.json").read_text() == sidecar
        return
    with pytest.raises(RunError, match="net.mindir loaded back differs from the network by"):
        export(tmp_path / "net", monkeypatch, loaded, net)
    assert not list(tmp_path.iterdir())


def test_small_values_are_compared_in_absolute_terms(tmp_path, monkeypatch):
    class Small(nn.Cell):
        def construct(self, x):
            return x * 0.001

    loaded = np.float32(IMAGE * 0.001 + 0.0009)
    export(tmp_path / "net", monkeypatch, loaded, Small())
    with pytest.raises(RunError, match="differs"):
        export(tmp_path / "net", monkeypatch, loaded + np.float32(0.0002), Small())


class Pair(nn.Cell):
    """Its input, and a thousand times it."""

    def construct(self, x, y):
        return x, 1000 * y


def test_a_graph_of_several_inputs_and_outputs(tmp_path, capsys):
    ms.set_context(mode=ms.GRAPH_MODE)
    graph.export_graph(Pair(), [IMAGE, 2 * IMAGE], tmp_path / "pair", "MINDIR", {})
    assert "loaded back: maximum difference 0 on random input" in capsys.readouterr().out
    net, _ = graph.load_graph(tmp_path / "pair.mindir")
    got = [output.asnumpy() for output in net(ms.Tensor(IMAGE), ms.Tensor(2 * IMAGE))]
    np.testing.assert_array_equal(got[0], IMAGE)
    np.testing.assert_array_equal(got[1], 2000 * IMAGE)


@pytest.mark.parametrize(
    ("off", "good"), [((0.0005, 1.5), True), ((0.0015, 0), False), ((0, 2.5), False)]
)
def test_each_output_is_judged_by_its_own_size(tmp_path, monkeypatch, capsys, off, good):
    def write(net, *inputs, file_name, file_format):
        Path(f"{file_name}.mindir").write_bytes(b"graph")

    def loaded(*inputs):
        outputs = (inputs[0] + off[0], 1000 * inputs[1] + off[1])
        return tuple(ms.Tensor(output) for output in outputs)

    monkeypatch.setattr(ms, "export", write)
    monkeypatch.setattr(ms, "load", lambda name: None)
    monkeypatch.setattr(nn, "GraphCell", lambda graph: loaded)
    given = Pair(), [IMAGE, 2 * IMAGE], tmp_path / "pair", "MINDIR", {}
    if good:
        graph.export_graph(*given)
        assert "maximum difference 1.5 on" in capsys.readouterr().out
    else:
        with pytest.raises(RunError, match="differs from the network by"):
            graph.export_graph(*given)


def test_a_thousandth_of_the_largest_value_is_allowed(tmp_path, monkeypatch):
    image = np.float32([[100, 500]])
    export(tmp_path / "net", monkeypatch, 2 * image - 1, image=image)
    with pytest.raises(RunError, match="net.mindir loaded back differs from the network by 1"):
        export(tmp_path / "net", monkeypatch, 2 * image - np.float32(1.001), image=image)


def test_a_network_is_exported_as_it_is_evaluated(tmp_path, monkeypatch):
    class Net(nn.Cell):
        def construct(self, x):
            return x if self.training else 2 * x

    net = Net().set_train()
    export(tmp_path / "net", monkeypatch, 2 * IMAGE, net)
    assert not net.training


def test_an_onnx_is_not_loaded_back(tmp_path, monkeypatch, capsys):
    export(tmp_path / "net", monkeypatch, file_format="ONNX")
    assert (tmp_path / "net.onnx").read_bytes() == b"graph"
    assert "loaded back" not in capsys.readouterr().out


def test_a_failing_exporter_is_told_in_one_line(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("no   such operator\nC++ stack")

    monkeypatch.setattr(ms, "export", fail)
    with pytest.raises(RunError, match=r"cannot export net.mindir: no such operator$"):
        graph.export_graph(Double(), [IMAGE], tmp_path / "net", "MINDIR", {})
    assert not list(tmp_path.iterdir())


def test_air_needs_an_ascend(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="AIR needs an Ascend card; use MINDIR"):
        graph.check_format("AIR", Device("CPU"))
    graph.check_format("ONNX", Device("CPU"))
    graph.check_format("AIR", Device("Ascend"))
    export(tmp_path / "net", monkeypatch, file_format="AIR")
    assert (tmp_path / "net.air").exists()


@pytest.mark.parametrize(
    ("mindir", "sidecar", "message"),
    [
        (None, b"{}", r"net.mindir does not exist; export.py writes"),
        (b"x", None, r"net.json does not exist; export.py writes"),
        (b"x", b"{", r"net.json is not JSON"),
        (b"x", b"\xff", r"net.json is not JSON"),
        (b"x", b"[1]", r"net.json is not the sidecar of a graph; export it again"),
        (b"x", b"{}", r"net.mindir: its .json names no inputs; export it again"),
        (b"x", b'{"inputs": [{"shape": [1, 3]}]}', r"net.mindir is truncated or not a MindIR"),
        (b"x", b'{"crc32": "8cdc1683"}', r"net.mindir is truncated or not a MindIR"),
        (b"x", b'{"crc32": "00000000"}', r"net.mindir is not what net.json was written for"),
    ],
)
def test_missing_and_damaged_files_are_named(tmp_path, capfd, mindir, sidecar, message):
    for name, content in (("net.mindir", mindir), ("net.json", sidecar)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        graph.load_graph(tmp_path / "net.mindir")
    assert "Traceback" not in capfd.readouterr().err  # of the process that tries old graphs
