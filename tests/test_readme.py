"""The commands in the READMEs name programs, flags and links that exist."""

import re

import pytest
import yaml

from tests.conftest import REPOSITORY

PAGES = sorted(
    path.relative_to(REPOSITORY)
    for pattern in ("README*.md", "*/README*.md", "tests/benchmarks/README.md")
    for path in REPOSITORY.glob(pattern)
)
MODELS = sorted(path.parent.name for path in REPOSITORY.glob("*/config.yaml"))


def keys(model):
    sections = yaml.safe_load((REPOSITORY / model / "config.yaml").read_text())
    own = {key for name, part in sections.items() if name != "allowed" for key in part}
    return own | {"config_path", "help"}


def commands(page, start):
    """Lines and inline code of a page that begin a command, comments cut off."""
    text = (REPOSITORY / page).read_text()
    found = re.findall(rf"(?:^|`|&& ){start}[^`\n]*", text, re.M)
    return [re.sub(r"\s+#.*", "", line).strip("`& ") for line in found]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    text = (REPOSITORY / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (REPOSITORY / page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_scripts_exist(page):
    for command in commands(page, "bash "):
        script = command.split()[1]
        assert (REPOSITORY / script).exists() or (REPOSITORY / page.parent / script).exists(), (
            command
        )


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["README.md", "README_CN.md"])
def test_a_model_s_commands_use_real_programs_and_flags(model, name):
    found = commands(f"{model}/{name}", "python ")
    assert len(found) >= 8
    for command in found:
        script, *words = command.split()[1:]
        assert (REPOSITORY / model / script).exists(), command
        if "/" in script:
            continue
        flags = {word[2:].split("=")[0] for word in words if word.startswith("--")}
        assert flags <= keys(model), command


def test_the_two_languages_show_the_same_commands():
    for folder in (".", *MODELS):
        pages = [f"{folder}/{name}" for name in ("README.md", "README_CN.md")]
        english, chinese = (commands(page, "(?:python|bash) ") for page in pages)
        assert english == chinese
