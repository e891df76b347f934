"""Each model's programs are recipes: short, and the only place that reads the configuration."""

import ast

import pytest

from tests.conftest import REPOSITORY

MODELS = sorted(path.parent.name for path in REPOSITORY.glob("*/config.yaml"))
LENGTHS = {"train.py": (60, 120), "eval.py": (20, 50), "export.py": (20, 50), "infer.py": (20, 50)}


@pytest.mark.parametrize("script", LENGTHS)
@pytest.mark.parametrize("model", MODELS)
def test_a_program_is_a_recipe(model, script):
    text = (REPOSITORY / model / script).read_text()
    least, most = LENGTHS[script]
    assert least <= len(text.splitlines()) <= most
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert functions[0].name == "main", "the recipe comes first, what it needs after it"


@pytest.mark.parametrize("model", MODELS)
def test_the_configuration_ends_at_the_programs(model):
    source = REPOSITORY / model / "src"
    files = [path for path in source.rglob("*.py") if "model_utils" not in path.parts]
    assert len(files) >= 8
    for path in files:
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        assert "config" not in names, path
