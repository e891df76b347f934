"""The operators of compiled graphs: listed for Ascend, with the data types that they are given.

Where the walk over the source sees names, these are what MindSpore makes of them, with what has no
name there: `a @ b`, slices, gradients, the optimizer. Neither replaces the other: ops.inverse is
not listed for Ascend, but MatrixInverse, which a graph has of it, is.
"""

import os
import re
import subprocess
import sys
from functools import lru_cache

import mindspore as ms
import pytest

from tests.conftest import REPOSITORY
from tests.operators.documentation import platforms, text_of
from tests.operators.primitives import Primitive, primitive_text, read_graphs, wrong_dtypes
from tests.operators.table import NEWEST, ROWS, STANDS_FOR, WARNINGS

MODELS = ("depthnet", "midas", "monodepth2", "geonet")
# An operator that is known to be in a model's graphs, and what its first operand is there.
KNOWN = {
    "depthnet": ("Conv2D", {"float16", "float32"}),
    "midas": ("Sort", {"float32"}),
    "monodepth2": ("Gather", {"float32"}),
    "geonet": ("BatchMatMul", {"float32"}),
}
# For an operator of a graph the table may have a row by its function's name.
ALLOWED = {row.name.rpartition(".")[2].lower() for row in ROWS if row.cause == "dtype"}

TEXT = """
subgraph @1() {
  %0(x) = PrimFunc_Cast(%para1_a, I64(42)) primitive_attrs: {output_names: [output]}
      : (<Tensor[Float32], (2, 3)>, <Int64, NoShape, value=42>) -> (<Tensor[Float16], (2, 3)>)
  %1(y) = MatMul(%0, %para2_w) {instance name: product}
      : (<Tensor[Float16], (2, 3)>, <Ref[Tensor[Float64]], (3, 4), ref_key=w>) -> (<Tensor[Float64], (2, 4)>)
  %2(z) = call @2(%1)
      : (<Tensor[Float64], (2, 4)>) -> (<Tensor[Float64], (2, 4)>)
"""  # noqa: E501


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """compiled("midas"): its graphs' operators, and what MindSpore warned of, compiled once."""

    @lru_cache(None)
    def run(model):
        folder = tmp_path_factory.mktemp(model)
        settings = {"MS_DEV_SAVE_GRAPHS": "1", "MS_DEV_DUMP_IR_PASSES": "validate", "GLOG_v": "2"}
        settings["MS_DEV_SAVE_GRAPHS_PATH"] = str(folder)
        command = [sys.executable, "-m", "tests.operators.graphs", model]
        options = {"env": {**os.environ, **settings}, "cwd": REPOSITORY}
        done = subprocess.run(command, capture_output=True, text=True, timeout=800, **options)
        assert done.returncode == 0, done.stderr
        graphs = [path.read_text() for path in folder.rglob("*_validate_*.ir")]
        assert graphs, f"MindSpore wrote no graph: {sorted(folder.iterdir())}"
        return read_graphs(graphs), done.stdout + done.stderr

    return run


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_operators_of_graphs_are_listed_for_ascend(model, compiled):
    primitives, _ = compiled(model)
    name, dtypes = KNOWN[model]
    assert primitives[name].given[0] == dtypes and len(primitives) >= 30
    assert "Custom" not in primitives, "a form for CPU, though Ascend's were asked for"
    missing = []
    for name in sorted(primitives):
        stand_in, _ = STANDS_FOR.get(name, ("", ""))
        forms = platforms(text_of(stand_in) if stand_in else primitive_text(name))
        if (stand_in or name not in STANDS_FOR) and not any("Ascend" in form for form in forms):
            missing.append(f"{name}: lists {[sorted(form) for form in forms]}")
    hint = "use something else, or name in tests/operators/table.py what they stand for"
    assert not missing, f"{hint}: {missing}"


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_operators_of_graphs_take_what_they_are_given(model, compiled):
    wrong = {}
    for name, primitive in compiled(model)[0].items():
        found = wrong_dtypes(primitive, primitive_text(name))
        if found and name.lower() not in ALLOWED:
            wrong[name] = found
    assert not wrong


@pytest.mark.slow
def test_what_operators_stand_for_is_needed(compiled):
    if not ms.__version__.startswith(NEWEST):
        pytest.skip(f"the operators that MindSpore makes are those of {NEWEST}*")
    found = {name for model in MODELS for name in compiled(model)[0]}
    unused = sorted(set(STANDS_FOR) - found)
    assert not unused, f"remove from STANDS_FOR what no graph has: {unused}"
    documented = [name for name in STANDS_FOR if "Ascend" in str(platforms(primitive_text(name)))]
    assert not documented, f"remove from STANDS_FOR what has its own documentation: {documented}"


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_nothing_warns_of_what_will_be_removed(model, compiled):
    lines = [line for line in compiled(model)[1].splitlines() if "deprecated" in line]
    unknown = [line for line in lines if not any(f"'{name}'" in line for name in WARNINGS)]
    assert not unknown
    for name in WARNINGS if ms.__version__.startswith(NEWEST) else ():
        assert any(f"'{name}'" in line for line in lines), f"remove {name} from WARNINGS"


def test_a_graph_is_read():
    found = read_graphs([TEXT, TEXT.replace("Float16", "Float32")])
    assert set(found) == {"Cast", "MatMul"}  # a call of another graph is no operator
    assert found["Cast"].given == {0: {"float32"}, 1: set()}
    assert found["MatMul"].given == {0: {"float16", "float32"}, 1: {"float64"}}


def test_a_dtype_that_an_operator_lacks_is_found():
    (product,) = (p for name, p in read_graphs([TEXT]).items() if name == "MatMul")
    assert wrong_dtypes(product, primitive_text("MatMul")) == ["input float64"]
    norm = Primitive("BatchNorm", {0: {"float32"}, 1: {"float64"}})
    assert set(wrong_dtypes(norm, primitive_text("BatchNorm"))) == {"scale float64"}
    assert not wrong_dtypes(Primitive("BatchNorm", {0: {"float16"}}), primitive_text("BatchNorm"))


def test_a_reference_to_what_is_not_there_is_no_documentation():
    assert re.search(r"mindspore\.ops\.sum_ext", primitive_text("SumExt"))
    assert platforms(primitive_text("SumExt")) == [] and primitive_text("no_such") == ""
