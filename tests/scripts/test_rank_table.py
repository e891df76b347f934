"""Rank tables: written, merged, checked, and this host found in them."""

import json
import socket

import pytest

from scripts.launching import checks
from tests.scripts.launchers import make_rank_table, server_id

DISTRIBUTE = "run_distribute_train"


def test_host_table_of_hccn_conf(tmp_path):
    conf = tmp_path / "hccn.conf"
    lines = [
        f"address_{n}=192.168.10{n % 4}.{n // 4 + 1}\nnetmask_{n}=255.255.255.0" for n in range(8)
    ]
    conf.write_text("\n".join([*lines, "gateway_0=192.168.100.254"]) + "\n")
    out, _ = make_rank_table("host", "--server_id", "10.1.2.3", "--hccn_conf", conf)
    table = json.loads(out)
    assert table["version"] == "1.0" and table["status"] == "completed"
    assert table["server_count"] == "1"
    (server,) = table["server_list"]
    assert server["server_id"] == "10.1.2.3" and server["host_nic_ip"] == "reserve"
    assert server["device"][5] == {"device_id": "5", "device_ip": "192.168.101.2", "rank_id": "5"}
    assert len(server["device"]) == 8


def test_host_table_of_some_devices(tmp_path):
    conf = tmp_path / "hccn.conf"
    conf.write_text("".join(f"address_{n} = 10.9.9.{n + 1}\n" for n in range(8)))
    call = ("host", "--server_id", "a", "--hccn_conf", conf, "--devices", "4-5,7")
    devices = json.loads(make_rank_table(*call)[0])["server_list"][0]["device"]
    assert [d["device_id"] for d in devices] == ["4", "5", "7"]
    assert [d["rank_id"] for d in devices] == ["0", "1", "2"]
    assert [d["device_ip"] for d in devices] == ["10.9.9.5", "10.9.9.6", "10.9.9.8"]


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_merge_and_read_back(launchers, data, tmp_path, version):
    """host -> merge -> the launcher's environment: nothing lost, ranks in order of server_id."""
    files, addresses = [], {}
    for host in (2, 0, 1):
        addresses[host] = [f"172.16.{host}.{d + 1}" for d in range(4)]
        call = ["--server_id", server_id(host), "--device_ips", ",".join(addresses[host])]
        if version == "1.2":
            numbers = ",".join(str(100 * host + d) for d in range(4))
            call += ["--super_pod_id", f"pod{host // 2}", "--super_device_ids", numbers]
        files.append(tmp_path / f"{host}.json")
        make_rank_table("host", *call, "--output", files[-1])
    merged = tmp_path / "merged.json"
    out, _ = make_rank_table("merge", *files, "--output", merged)
    assert out == f"{merged}: 12 ranks\n"
    table = json.loads(merged.read_text())
    assert table["version"] == version and table["server_count"] == "3"
    assert [s["server_id"] for s in table["server_list"]] == [server_id(h) for h in range(3)]
    ranks = {d["device_ip"]: int(d["rank_id"]) for s in table["server_list"] for d in s["device"]}
    assert ranks == {addresses[h][d]: 4 * h + d for h in range(3) for d in range(4)}
    if version == "1.2":
        pods = {
            p["super_pod_id"]: [s["server_id"] for s in p["server_list"]]
            for p in table["super_pod_list"]
        }
        assert pods == {"pod0": [server_id(0), server_id(1)], "pod1": [server_id(2)]}
        assert table["server_list"][2]["device"][3]["super_device_id"] == "203"
    again = tmp_path / "again.json"
    make_rank_table("merge", merged, "--output", again)
    assert json.loads(again.read_text()) == table
    options = {"SERVER_ID": server_id(1), "RANK_TABLE_START": "1"}
    jobs, _ = launchers.dry_run(DISTRIBUTE, "depthnet", data, merged, **options)
    assert list(jobs) == [f"rank {rank}" for rank in range(4, 8)]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (["host", "--hccn_conf", "none.conf"], "none.conf cannot be read"),
        (["host", "--server_id", "a", "--hccn_conf", "{empty}"], "has no line address_<n>=<ip>"),
        (
            ["host", "--server_id", "a", "--hccn_conf", "{conf}", "--devices", "0-1"],
            "no address of device 1",
        ),
        (
            ["host", "--server_id", "a", "--hccn_conf", "{conf}", "--devices", "3-1"],
            "write 0-7 or 0,2,5",
        ),
        (
            ["host", "--server_id", "a", "--device_ips", "1.2.3"],
            "device_ip '1.2.3' is not an address",
        ),
        (
            ["host", "--server_id", "a", "--device_ips", "1.2.3.4,1.2.3.4"],
            "device_ip 1.2.3.4 is there twice",
        ),
        (
            ["host", "--server_id", "a", "--device_ips", "1.2.3.4", "--devices", "0,1"],
            "1 addresses for 2",
        ),
        (
            ["host", "--device_ips", "1.2.3.4", "--server_id", "a", "--super_pod_id", "p"],
            "0 given for 1 devices",
        ),
        (["host", "--server_id", "a", "--device_ips", "1.2.3.4", "--output", "/proc/x"], "/proc/x"),
        (["merge", "{table}", "{table}"], "server_id 10.0.0.7 is there twice"),
        (["merge", "{table}", "{pod}"], "tables of version 1.0 and 1.2 cannot be merged"),
        (["merge", "{conf}"], "is not json"),
    ],
)
def test_make_rank_table_refuses(tmp_path, call, expected):
    files = {name: tmp_path / name for name in ("empty", "conf", "table", "pod")}
    files["empty"].write_text("# nothing\n")
    files["conf"].write_text("address_0=10.9.9.1\n")
    ips = ("--device_ips", "192.168.0.1")
    make_rank_table("host", "--server_id", "10.0.0.7", *ips, "--output", files["table"])
    pod = ("--super_pod_id", "p", "--super_device_ids", "0")
    make_rank_table("host", "--server_id", "10.0.0.8", *ips, *pod, "--output", files["pod"])
    _, err = make_rank_table(*(word.format(**files) for word in call), status=2)
    assert err.startswith("error: ") and expected in err and len(err.splitlines()) == 1


def _devices(table):
    return table["server_list"][0]["device"]


BAD_TABLES = {
    "version": (lambda t: t.update(version="2.0"), 'version is \'2.0\', must be "1.0" or "1.2"'),
    "status": (lambda t: t.update(status="initializing"), "status is 'initializing'"),
    "no servers": (lambda t: t.pop("server_list"), "server_list is missing or empty"),
    "count": (lambda t: t.update(server_count="3"), "server_count is '3', server_list has \"2\""),
    "count type": (lambda t: t.update(server_count=2), "server_count is 2"),
    "server twice": (
        lambda t: t["server_list"][1].update(server_id=server_id(0)),
        "is there twice",
    ),
    "no server_id": (lambda t: t["server_list"][1].pop("server_id"), "server_list[1]: server_id"),
    "no devices": (lambda t: _devices(t).clear(), "device is missing or empty"),
    "rank twice": (lambda t: _devices(t)[1].update(rank_id="0"), "rank_id 0 is there twice"),
    "rank gap": (lambda t: _devices(t)[1].update(rank_id="9"), "so rank ids are 0..3; [1] missing"),
    "rank type": (lambda t: _devices(t)[1].update(rank_id=1), "rank_id is 1, must be a string"),
    "device twice": (lambda t: _devices(t)[1].update(device_id="0"), "device_id 0 is there twice"),
    "no device_ip": (lambda t: _devices(t)[1].pop("device_ip"), "device 1: device_ip is missing"),
    "device_ip": (
        lambda t: _devices(t)[0].update(device_ip="x"),
        "device_ip 'x' is not an address",
    ),
    "ip twice": (lambda t: _devices(t)[1].update(device_ip="192.168.0.1"), "is there twice"),
    "super pod": (lambda t: t.update(version="1.2"), "version 1.2 needs super_device_id"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_table_is_refused(launchers, data, rank_table, case):
    path = rank_table(2, 2)
    table = json.loads(path.read_text())
    change, expected = BAD_TABLES[case]
    change(table)
    path.write_text(json.dumps(table))
    options = {"SERVER_ID": server_id(0)}
    line = launchers.refuse(DISTRIBUTE, "depthnet", data, path, **options)
    assert expected in line and f"error: rank table {path}: " in line


@pytest.mark.parametrize("text", ["", "{", "[]", '"1.0"', "\ufffd"])
def test_not_a_table(launchers, data, tmp_path, text):
    path = tmp_path / "table.json"
    path.write_bytes(text.encode("utf-16") if text == "\ufffd" else text.encode())
    assert f"rank table {path}" in launchers.refuse(DISTRIBUTE, "depthnet", data, path)


def test_unreadable_file_is_refused(tmp_path, monkeypatch):
    """Checked in the process itself, because root reads everything."""
    table = tmp_path / "table.json"
    table.write_text("{}")
    monkeypatch.setattr(checks.os, "access", lambda path, mode: False)
    with pytest.raises(checks.UsageError, match="cannot be read; chmod it"):
        checks.ranks("RANK_TABLE_FILE", str(table))


@pytest.mark.parametrize(
    ("version_1_2", "change", "expected"),
    [
        (True, lambda t: t.pop("super_pod_list"), "version 1.2 needs super_pod_list"),
        (True, lambda t: t["super_pod_list"][0].pop("super_pod_id"), "'super_pod_id' is missing"),
        (
            True,
            lambda t: t["super_pod_list"][0]["server_list"].append({"server_id": "z"}),
            "super_pod_list and server_list differ in z",
        ),
    ],
)
def test_bad_super_pods(launchers, data, tmp_path, version_1_2, change, expected):
    path = tmp_path / "table.json"
    pod = ("--super_pod_id", "p", "--super_device_ids", "0,1")
    call = ("--server_id", "a", "--device_ips", "192.168.0.1,192.168.0.2", *pod)
    make_rank_table("host", *call, "--output", path)
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    assert expected in launchers.refuse(DISTRIBUTE, "depthnet", data, path, SERVER_ID="a")


def test_this_host_is_found_by_name(launchers, data, tmp_path, rank_table):
    mine = tmp_path / "mine.json"
    ips = ("--device_ips", "192.168.200.1,192.168.200.2")
    make_rank_table("host", "--server_id", socket.gethostname(), *ips, "--output", mine)
    other, path = rank_table(1, 2), tmp_path / "both.json"
    make_rank_table("merge", mine, other, "--output", path)
    jobs, note = launchers.dry_run(DISTRIBUTE, "depthnet", data, path, RANK_TABLE_START=1)
    devices = {environ["DEVICE_ID"] for environ, _ in jobs.values()}
    assert devices == {"0", "1"} and "4 ranks on 2 server(s), 2 of them here" in note
    ranks = json.loads(path.read_text())["server_list"]
    ours = next(s for s in ranks if s["server_id"] == socket.gethostname())
    assert [d["rank_id"] for d in ours["device"]] == [e["RANK_ID"] for e, _ in jobs.values()]


def test_host_that_is_not_in_the_table(launchers, data, rank_table):
    table = rank_table(2, 2)
    line = launchers.refuse(DISTRIBUTE, "depthnet", data, table)
    assert "no server of" in line and "set SERVER_ID to its server_id" in line
    line = launchers.refuse(DISTRIBUTE, "depthnet", data, table, SERVER_ID="10.9.9.9")
    assert f"SERVER_ID 10.9.9.9 is not in {table}: {server_id(0)}, {server_id(1)}" in line


def test_ranks_out_of_the_dictionary_order_are_pointed_out(launchers, data, rank_table):
    path = rank_table(2, 1)
    table = json.loads(path.read_text())
    table["server_list"].reverse()
    for number, server in enumerate(table["server_list"]):
        server["device"][0]["rank_id"] = str(number)
    path.write_text(json.dumps(table))
    options = {"SERVER_ID": server_id(0)}
    _, err = launchers.run(DISTRIBUTE, "depthnet", data, path, "--dry_run", **options)
    assert "warning: " in err and "dictionary order of server_id" in err
