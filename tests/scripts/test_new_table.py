"""Rank tables as they are written: of this host, of several hosts; called directly."""

import json

import pytest

from scripts.launching import new_table
from scripts.launching.checks import UsageError
from scripts.launching.new_table import device_addresses, main, parse_devices


def written(capsys, *words):
    """The table that a command line prints."""
    assert main([str(word) for word in words]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *words):
    """The error that a command line ends with."""
    assert main([str(word) for word in words]) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("error: ") and err.endswith("\n")
    return err[len("error: ") : -1]


@pytest.mark.parametrize(
    ("text", "devices"),
    [
        ("5", [5]),
        ("0-7", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("0,2,5", [0, 2, 5]),
        ("4-5,7", [4, 5, 7]),
        ("3-3", [3]),
        ("10-11", [10, 11]),
    ],
)
def test_devices_are_numbers_and_ranges(text, devices):
    assert parse_devices(text) == devices


@pytest.mark.parametrize("text", ["", "x", "3-2", "1-", "-1", "0;1", "0,", "0-1-2"])
def test_other_forms_of_devices_are_refused(text):
    with pytest.raises(UsageError) as caught:
        parse_devices(text)
    assert str(caught.value) == f"--devices {text}: write 0-7 or 0,2,5"


def test_the_addresses_of_hccn_conf(tmp_path):
    conf = tmp_path / "hccn.conf"
    conf.write_text(
        "address_0=10.0.0.1\nnetmask_0=255.0.0.0\n # address_9=1\n address_12 = 10.0.0.2 \n"
    )
    assert device_addresses(conf) == {0: "10.0.0.1", 12: "10.0.0.2"}
    conf.write_text("netmask_0=255.0.0.0\n")
    with pytest.raises(UsageError, match="has no line address_<n>=<ip>; give --device_ips$"):
        device_addresses(conf)
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match=f"^{path} cannot be read .*; give --device_ips$"):
            device_addresses(path)
    conf.write_bytes(b"address_0=\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        device_addresses(conf)


HOST = ("host", "--server_id", "10.1.2.3")


def test_the_table_of_one_host(capsys):
    """Complete, as HCCL's documentation shows it; the devices in order whatever was given."""
    table = written(capsys, *HOST, "--devices", "3,1", "--device_ips", "10.0.0.3,10.0.0.1")
    devices = [
        {"device_id": "1", "device_ip": "10.0.0.1", "rank_id": "0"},
        {"device_id": "3", "device_ip": "10.0.0.3", "rank_id": "1"},
    ]
    server = {"server_id": "10.1.2.3", "device": devices, "host_nic_ip": "reserve"}
    assert table == {
        "version": "1.0",
        "server_count": "1",
        "server_list": [server],
        "status": "completed",
    }


def test_addresses_without_numbers_are_those_of_the_first_devices(capsys):
    table = written(capsys, *HOST, "--device_ips", "10.0.0.3,10.0.0.1")
    devices = table["server_list"][0]["device"]
    found = [(device["device_id"], device["device_ip"]) for device in devices]
    assert found == [("0", "10.0.0.3"), ("1", "10.0.0.1")]


@pytest.mark.parametrize(
    ("words", "devices"),
    [((), ["2", "10"]), (("--devices", "10"), ["10"]), (("--devices", "2"), ["2"])],
)
def test_the_devices_of_hccn_conf_all_or_some(capsys, tmp_path, words, devices):
    """In the order of their numbers, which is not that of their digits."""
    conf = tmp_path / "hccn.conf"
    conf.write_text("address_10=10.0.0.10\naddress_2=10.0.0.2\n")
    table = written(capsys, *HOST, "--hccn_conf", conf, *words)
    found = [(d["device_id"], d["device_ip"]) for d in table["server_list"][0]["device"]]
    assert found == [(device, f"10.0.0.{device}") for device in devices]


def test_a_device_that_hccn_conf_does_not_know(capsys, tmp_path):
    conf = tmp_path / "hccn.conf"
    conf.write_text("address_0=10.0.0.1\n")
    call = (*HOST, "--hccn_conf", conf, "--devices")
    assert refused(capsys, *call, "0-2") == f"{conf} has no address of device 1"


@pytest.mark.parametrize("devices", ["0", "0-2"])
def test_as_many_addresses_as_devices(capsys, devices):
    line = refused(capsys, *HOST, "--device_ips", "10.0.0.1,10.0.0.2", "--devices", devices)
    assert line == f"--device_ips: 2 addresses for {1 if devices == '0' else 3} devices"


POD = ("--super_pod_id", "p", "--super_device_ids")


def test_the_table_of_a_host_in_a_super_pod(capsys):
    ips = ("--device_ips", "10.0.0.1,10.0.0.2")
    table = written(capsys, *HOST, *ips, *POD, "7,5")
    assert (table["version"], table["status"]) == ("1.2", "completed")
    assert table["super_pod_list"] == [
        {"super_pod_id": "p", "server_list": [{"server_id": "10.1.2.3"}]}
    ]
    (server,) = table["server_list"]
    assert (server["server_id"], server["host_ip"]) == ("10.1.2.3", "10.1.2.3")
    assert [device["super_device_id"] for device in server["device"]] == ["7", "5"]
    assert refused(capsys, *HOST, *ips, *POD, "7") == ("--super_device_ids: 1 given for 2 devices")
    assert refused(capsys, *HOST, *ips, *POD, "7,5,3").endswith("3 given for 2 devices")


def test_the_server_is_this_host_s_only_ipv4_address(capsys, monkeypatch):
    def addresses(*found):
        monkeypatch.setattr(new_table, "local_addresses", lambda: {"name", *found})

    call = ("host", "--device_ips", "10.0.0.1")
    addresses("127.0.0.1", "10.9.9.9", "::1", "fe80::1")
    assert written(capsys, *call)["server_list"][0]["server_id"] == "10.9.9.9"
    for found in (["10.9.9.8", "10.9.9.9"], []):
        addresses("127.0.0.1", *found)
        line = refused(capsys, *call)
        assert line == f"this host has the addresses {found}; choose one with --server_id"


@pytest.fixture
def host_file(tmp_path, capsys):
    """host_file(server_id, *addresses, **pod) writes the table of a host; its path."""

    def write(server_id, *addresses, pod=None):
        path = tmp_path / f"{server_id}.json"
        ips = ("--device_ips", ",".join(addresses))
        words = (*POD[:1], pod, POD[2], ",".join(a[-1] for a in addresses)) if pod else ()
        assert main(["host", "--server_id", server_id, *ips, *words, "--output", str(path)]) == 0
        assert capsys.readouterr().out == f"{path}: {len(addresses)} ranks\n"
        return path

    return write


def test_the_ranks_of_merged_hosts_follow_their_names(capsys, host_file):
    """Whatever the order of the files: 10.0.0.10 comes before 10.0.0.9, as HCCL sorts them."""
    files = [host_file("10.0.0.9", "10.0.9.1", "10.0.9.2"), host_file("10.0.0.10", "10.0.10.1")]
    merged = written(capsys, "merge", *files)
    assert merged == written(capsys, "merge", *reversed(files))
    found = {s["server_id"]: [d["rank_id"] for d in s["device"]] for s in merged["server_list"]}
    assert list(found.items()) == [("10.0.0.10", ["0"]), ("10.0.0.9", ["1", "2"])]
    assert (merged["version"], merged["server_count"]) == ("1.0", "2")
    assert "super_pod_list" not in merged


def test_merged_hosts_keep_their_super_pods(capsys, host_file):
    names = {"10.0.0.3": "q", "10.0.0.2": "p", "10.0.0.1": "q"}
    files = [host_file(name, f"10.9.0.{name[-1]}", pod=pod) for name, pod in names.items()]
    merged = written(capsys, "merge", *files)
    assert merged["version"] == "1.2"
    found = {p["super_pod_id"]: [*map(str, p["server_list"])] for p in merged["super_pod_list"]}
    assert list(found) == ["p", "q"]
    assert found["q"] == ["{'server_id': '10.0.0.1'}", "{'server_id': '10.0.0.3'}"]


def test_what_cannot_be_merged(capsys, host_file):
    plain = host_file("10.0.0.1", "10.9.0.1")
    assert refused(capsys, "merge", plain, plain) == "server_id 10.0.0.1 is there twice"
    pod = host_file("10.0.0.2", "10.9.0.2", pod="p")
    line = refused(capsys, "merge", pod, plain)
    assert line == "tables of version 1.0 and 1.2 cannot be merged"


def test_a_file_is_written_by_renaming_and_counted(capsys, tmp_path):
    path = tmp_path / "table.json"
    call = [*HOST, "--device_ips", "10.0.0.1,10.0.0.2,10.0.0.3", "--output", str(path)]
    assert main(call) == 0
    assert capsys.readouterr().out == f"{path}: 3 ranks\n"
    assert [file.name for file in tmp_path.iterdir()] == ["table.json"]
    text = path.read_text()
    assert text.endswith("}\n") and text.splitlines()[1].startswith('  "version"')
    call[-1] = str(tmp_path / "none" / "table.json")
    assert "No such file or directory" in refused(capsys, *call)


@pytest.mark.parametrize("words", [[], ["merge"], ["host", "--none", "1"]])
def test_words_that_the_program_does_not_know(capsys, words):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2 and "usage: " in capsys.readouterr().err


def test_the_help_shows_the_calls(capsys):
    """As they are written in the docstring, a line each."""
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "    python scripts/make_rank_table.py host --output host_a.json\n" in (
        capsys.readouterr().out
    )
