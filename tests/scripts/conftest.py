"""Fixtures of the launchers' tests."""

import io
import json
import subprocess
import sys

import pytest

from tests.scripts.launchers import Launchers, make_rank_table, server_id


@pytest.fixture
def launchers(tmp_path):
    """Launchers on fake models in a temporary folder."""
    return Launchers(tmp_path)


@pytest.fixture
def data(tmp_path):
    """A folder that stands for a data set, with a file that stands for a checkpoint."""
    folder = tmp_path / "data set"
    folder.mkdir()
    (folder / "net.ckpt").touch()
    return folder


@pytest.fixture
def rank_table(tmp_path):
    """rank_table(hosts, devices) makes a table by make_rank_table.py and returns its path."""

    def make(hosts, devices=8):
        files = []
        for host in range(hosts):
            device = [
                {"device_id": str(n), "device_ip": f"192.168.{host}.{n + 1}", "rank_id": str(n)}
                for n in range(devices)
            ]
            server = {"server_id": server_id(host), "device": device, "host_nic_ip": "reserve"}
            table = {"version": "1.0", "server_count": "1", "server_list": [server]}
            files.append(tmp_path / f"host_{host}.json")
            files[-1].write_text(json.dumps({**table, "status": "completed"}))
        merged = tmp_path / f"rank_table_{hosts * devices}.json"
        # Backwards: the ranks follow the server_ids, not the order of the files.
        make_rank_table("merge", *reversed(files), "--output", merged)
        return merged

    return make


@pytest.fixture
def written_before(monkeypatch):
    """written_before(name) -> list: what is on standard output at each call of subprocess.<name>.

    Standard output is a pipe or a file to Python: a line that is not flushed is not there.
    """

    def watch(name):
        raw, written = io.BytesIO(), []
        start = getattr(subprocess, name)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))

        def look(*words, **options):
            written.append(raw.getvalue())
            return start(*words, **options)

        monkeypatch.setattr(subprocess, name, look)
        return written

    return watch
