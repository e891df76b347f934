"""What a benchmark of some cases leaves of the others."""

import json

from tests.benchmarks.beside_torch import kept


def test_a_run_of_some_cases_keeps_the_others(tmp_path):
    path, new = tmp_path / "out.json", [["loss", 2.0], ["step", 3.0]]
    assert kept(new, path) == new
    path.write_text(json.dumps({"rows": [["loss", 1.0], ["inference", 4.0]]}))
    assert kept(new, path) == [["inference", 4.0], *new]
