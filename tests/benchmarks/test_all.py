"""The table of all models, from made-up figures of the benchmarks."""

import json

import pytest

from tests.benchmarks import all as table

BESIDE = ["step", "ms", "torch_ms", "ratio", "torch_form", "mb", "torch_mb", "eager_ms"]
BESIDE = [*BESIDE, "compile_s"]


@pytest.fixture
def figures(tmp_path, monkeypatch):
    """A function that writes a benchmark's JSON."""
    monkeypatch.setattr(table, "FOLDER", tmp_path)

    def write(name, columns, *rows):
        (tmp_path / f"{name}.json").write_text(json.dumps({"columns": columns, "rows": rows}))

    return write


def rows(model):
    """{(figure, case): (measured, verdict)} of a model's rows that were measured."""
    found = [row for row in table.rows_of([model]) if row[3] is not None]
    return {(row[0], row[2]): (row[3], row[-1]) for row in found}


def test_the_figures_of_steps_and_inference_beside_torch(figures):
    step = ["step rigid", 90, 100, 0.9, "compile", 260, 100, 120, 21]
    depth = ["inference depth, batch 8", 80, 80, 1.0, "compile", 9, 9, 100, 2]
    figures("geonet", BESIDE, step, depth, ["loss flow", 2, 1, 2.0, "eager", 1, 1, 1, 3])
    expected = {
        ("training step, of PyTorch's best", "step rigid"): (0.9, "met"),
        ("peak memory of a step, of PyTorch's", "step rigid"): (2.6, "MISSED"),
        ("compile of a training step, s", "step rigid"): (21, "met"),
        ("inference, batch 8, of PyTorch eager", depth[0]): (0.8, "goal"),
        ("inference, batch 8, of PyTorch's best", depth[0]): (1.0, "met"),
        ("photometric loss, of PyTorch's best", "loss flow"): (2.0, "MISSED"),
    }
    assert rows("geonet") == expected


def test_the_figures_that_all_models_have(figures):
    alone = [["MindSpore Lite 2.0.0", 80, 1], ["torch", 90, 1], ["onnxruntime", 64, 1]]
    alone.append(["onnxruntime with AVX2", 100, 1])
    figures("310_midas_inference", ["inference, batch 1", "ms", "of Lite's"], *alone)
    ends = [["infer.py", 2, 1.0], ["310 program", 2.4, 1.2]]
    figures("310_midas_end_to_end", ["program", "images/s", "of infer.py"], *ends)
    whole = [["midas, 1", 0.95], ["midas, 40, compiling", 0.9], ["midas, 40", 0.8]]
    figures("infer_midas", ["model, photos", "ratio"], *whole)
    figures("midas_wait", ["what", "share"], ["midas", 0.03])
    assert list(rows("midas").values()) == [
        (0.8, "met"),
        (1.25, "met"),
        (1.2, "MISSED"),  # of a rate more is better
        (0.03, "met"),
        (0.95, "goal"),
        (0.8, "met"),
        (0.9, "met"),
    ]


def test_what_was_not_measured_is_a_dash_and_not_a_failure(figures, capsys, tmp_path):
    assert (
        table.main(["--read_only", "--model", "depthnet", "--json", str(tmp_path / "x.json")]) == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert sum("not measured" in line for line in lines) == len(table.FIGURES) - 1  # no video
    columns = ["what", "batch", "ms", "ratio", "eager_ms", "compile_s", "peak_mb", "torch_mb"]
    figures("depthnet", columns, ["train", 1, 1, 1.2, 1, 5, 130, 100])
    assert (
        table.main(["--read_only", "--model", "depthnet", "--json", str(tmp_path / "x.json")]) == 1
    )
    assert json.loads((tmp_path / "x.json").read_text())["columns"] == table.COLUMNS


def test_every_benchmark_runs_for_each_model(monkeypatch, tmp_path):
    """Their flags are known to them, and one that fails stops no other."""
    ran = []

    def run(words, **_options):
        ran.append(words)
        return type("Done", (), {"returncode": 1})

    monkeypatch.setattr(table.subprocess, "run", run)
    table.run(table.MODELS)
    modules = [words[2].rpartition(".")[2] for words in ran]
    assert modules.count("bench_310") == modules.count("bench_infer") == 4
    for words in ran:
        source = table.ROOT / "tests" / "benchmarks" / f"{words[2].rpartition('.')[2]}.py"
        text = source.read_text() + (source.parent / "beside_torch.py").read_text()
        for flag in words[3:]:
            assert not flag.startswith("--") or f'"{flag}"' in text, (source, flag)
