"""What a step costs on many cards: the README's tables, and cases by hand."""

import runpy
import sys

import pytest

from scripts.launching import scaling
from scripts.launching.scaling import Link, all_reduce, main
from tests.scripts.launchers import SCRIPTS

FREE = Link(intra=10.0, inter=5.0, latency=0.0)


def test_readme_shows_what_the_scaling_model_says(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.strip() in (SCRIPTS / "README.md").read_text()


@pytest.mark.parametrize(
    ("cards", "seconds"),
    [
        (1, 0.0),  # nobody to tell
        (2, 0.008),  # 2 x 1/2 of 80 MB at 10 GB/s
        (8, 0.014),  # 2 x 7/8 of it
        # Between two servers each card sends 2 x 1/2 of its 10 MB at 5 GB/s, beside the ring.
        (16, 0.014 + 0.002),
        (64, 0.014 + 0.0035),
    ],
)
def test_an_all_reduce_by_hand(cards, seconds):
    assert all_reduce(80, cards, FREE) == pytest.approx(seconds, abs=1e-12)


@pytest.mark.parametrize(
    ("cards", "messages"),
    # 2 (n - 1) in the ring of a server, 2 log2 of the servers between them, rounded up.
    [(1, 0), (2, 2), (8, 14), (16, 16), (24, 18), (64, 20)],
)
def test_every_message_takes_its_latency(cards, messages):
    link = Link(intra=10.0, inter=5.0, latency=1.0)
    assert all_reduce(0, cards, link) == pytest.approx(messages)


def test_a_link_cannot_be_changed():
    with pytest.raises(AttributeError):
        FREE.intra = 1.0


CALL = ["--gradients", "80", "--compute", "0.014", "--intra", "10", "--inter", "5", "--latency"]


def test_one_s_own_numbers_make_one_row(capsys):
    """8 cards: 14 ms of messages beside 14 ms of compute, half a step is lost."""
    assert main([*CALL, "0", "--batch", "7"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "| run | compute per step | 8 cards | 64 cards | 1024 cards |",
        "|---|---|---|---|---|",
    ]
    (row,) = lines[2:]
    assert row.startswith("| yours | 14.0 ms | 14.0 ms, 50% lost, 2000 examples/s |")
    # 64 cards: 17.5 ms; 448 examples in 31.5 ms.
    assert "| 17.5 ms, 56% lost, 14222 examples/s |" in row


def test_a_batch_is_one_example_and_the_links_are_those_of_the_readme_unless_given(capsys):
    main([*CALL, "0"])
    assert " 50% lost, 286 examples/s |" in capsys.readouterr().out
    main(["--gradients", "87.6", "--compute", "0.050", "--batch", "32"])
    own = capsys.readouterr().out.splitlines()[2].partition(" |")[2]
    assert (
        own
        == next(line for line in scaling.table() if "coarse, batch 32" in line).partition(" |")[2]
    )


def test_a_latency_is_taken_as_given(capsys):
    main([*CALL, "0.001"])
    assert "| 28.0 ms, 67% lost," in capsys.readouterr().out  # 14 messages more


@pytest.mark.parametrize("words", [["--compute", "1"], ["--gradients", "1"]])
def test_half_of_a_run_is_refused(capsys, words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "--compute and --gradients go together" in capsys.readouterr().err


def test_it_runs_as_a_module(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["scaling", *CALL, "0"])
    monkeypatch.delitem(sys.modules, "scripts.launching.scaling")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("scripts.launching.scaling", run_name="__main__")
    assert caught.value.code == 0 and "| yours |" in capsys.readouterr().out
