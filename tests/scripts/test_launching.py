"""Parts of the launchers called directly: rates, options, folders, addresses, ends of runs."""

import dataclasses
import json
import os
import socket

import pytest

from scripts.launching import jobs, results, table
from scripts.launching import request as requests
from scripts.launching.checks import RunError, UsageError
from scripts.launching.rank_table import RankTable, check_table, local_addresses


@pytest.mark.parametrize(
    ("steps", "every", "rows"),
    # The first row is step 0's; 3199 more steps at one row per 32 are 100 rows.
    [(1, 1, 1), (2, 1, 2), (199, 1, 199), (200, 2, 101), (1000, 10, 101), (3200, 32, 101)],
)
def test_a_timed_run_ends_after_about_a_hundred_log_lines(steps, every, rows):
    assert results.log_steps(steps) == every
    assert results.rows_needed(steps) == rows


def write_run(folder, rates, batch=4):
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "sub" / "config.yaml").write_text(f"seed: 0\nbatch_size: {batch}\n")
    rows = [f"coarse,{step},1.0,{rate}" for step, rate in enumerate(rates)]
    text = "\n".join(["stage,step,loss,examples_per_s", *rows, ""])
    (folder / "metrics.csv").write_text(text)


def test_the_speed_is_the_mean_time_of_the_steps_after_the_first(tmp_path):
    """Steps of 1, 0.5 and 0.5 s: 0.6667 s, whatever the first and what follows the third took."""
    write_run(tmp_path, (0.5, 4, 8, 8, 100))
    line = "0.6667 s/iter, 6.00 examples/s (mean of 3 log lines)"
    assert results.speed({"steps": "4"}, tmp_path) == [line]
    write_run(tmp_path, (0.5, 4), batch=8)
    expected = ["2.0000 s/iter, 4.00 examples/s (mean of 1 log lines)"]
    assert results.speed({"steps": "4"}, tmp_path) == expected
    write_run(tmp_path, (0.5,))
    with pytest.raises(UsageError, match="needs two steps; the first compiles"):
        results.speed({"steps": "4"}, tmp_path)


def test_a_row_that_is_being_written_does_not_count(tmp_path):
    assert results.step_rates(tmp_path) == []
    write_run(tmp_path, (1, 2))
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("coarse,2,1.0,3")
    assert results.step_rates(tmp_path) == [1, 2]


@pytest.mark.parametrize("rate", ["0", "-1", "inf", "nan", "fast"])
def test_a_rate_that_cannot_be_is_damage(tmp_path, rate):
    write_run(tmp_path, (1, rate))
    with pytest.raises(RunError, match="metrics.csv is damaged"):
        results.step_rates(tmp_path)


def test_final_metrics_leave_lists_words_and_truth_values_out(tmp_path):
    report = results.final_metrics("m.json")
    tree = {"a": {"b": 1.25, "each": [1]}, "n": 3, "ok": True, "word": "x"}
    (tmp_path / "m.json").write_text(json.dumps(tree))
    heading = f"final metrics ({tmp_path}/m.json):"
    assert report({}, tmp_path) == [heading, "  a.b: 1.25", "  n: 3"]
    for text in ("{", "[1]"):
        (tmp_path / "m.json").write_text(text)
        with pytest.raises(RunError, match="m.json: no metrics that can be read"):
            report({}, tmp_path)


def test_a_report_that_fails_is_the_run_s_failure(launchers, data, tmp_path):
    """Every process ended with 0, but there are no metrics: exit 1, here and in `status`."""
    call = ("depthnet", f"--data_path={data}", f"--output_path={tmp_path}/o")
    _, err = launchers.run("train_full_1p", *call, status=1)
    assert err.startswith(f"failed: {tmp_path}/o/eval_metrics.json: no metrics")
    assert (launchers.logs / "status").read_text() == "1\n"


def test_a_log_that_cannot_be_written_is_the_run_s_failure(launchers, data):
    (launchers.logs / "train.log").mkdir(parents=True)
    _, err = launchers.run("run_standalone_train", "depthnet", data, 0, status=1)
    assert err == f"failed: {launchers.logs}/train.log: Is a directory\n"
    assert (launchers.logs / "status").read_text() == "1\n"


def test_a_new_run_forgets_the_status_of_the_one_before(tmp_path):
    logs = tmp_path / "a" / "b"
    requests.make_log_folder(logs)
    requests.make_log_folder(logs)  # there, without a status
    (logs / "status").write_text("7\n")
    (logs / "train.log").touch()
    requests.make_log_folder(logs)
    assert os.listdir(logs) == ["train.log"]


def test_two_runs_of_one_second_have_two_log_folders(tmp_path, monkeypatch):
    monkeypatch.delenv("LOG_DIR", raising=False)
    monkeypatch.setattr(requests.time, "strftime", lambda _form: "20260102-030405")
    names = []
    for _ in range(3):
        logs = requests._log_folder(tmp_path, "run_eval")
        logs.mkdir(parents=True)
        names.append(logs.relative_to(tmp_path).as_posix())
    first = "logs/run_eval-20260102-030405"
    assert names == [first, f"{first}-2", f"{first}-3"]
    monkeypatch.setenv("LOG_DIR", "~/own")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert requests._log_folder(tmp_path, "run_eval") == tmp_path / "own"


def test_rows_and_jobs_cannot_be_changed():
    """They are shared by everything that a process of ours starts."""
    classes = [*vars(table).values(), jobs.Job]
    found = [c for c in classes if dataclasses.is_dataclass(c) and isinstance(c, type)]
    assert len(found) == 7
    assert all(c.__dataclass_params__.frozen for c in found)


def good_table(version="1.0"):
    """Two servers of two devices each; server b holds the ranks 0 and 1."""
    servers = []
    for number, name in enumerate("ab"):
        devices = []
        for device in range(2):
            rank, address = (2 - 2 * number) + device, f"10.0.{number}.{device}"
            entry = {"device_id": str(device), "device_ip": address, "rank_id": str(rank)}
            if version == "1.2":
                entry["super_device_id"] = str(rank)
            devices.append(entry)
        servers.append({"server_id": name, "device": devices})
    table = {"version": version, "server_count": "2", "server_list": servers}
    if version == "1.2":
        pods = [{"super_pod_id": n, "server_list": [{"server_id": n}]} for n in "ab"]
        table["super_pod_list"] = pods
    return {**table, "status": "completed"}


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_a_table_as_it_is_read(tmp_path, version):
    path = tmp_path / "table.json"
    path.write_text(json.dumps(good_table(version)))
    table = RankTable(path)
    read = [(rank.rank, rank.device, rank.server) for rank in table.ranks]
    assert read == [(0, 0, 1), (1, 1, 1), (2, 0, 0), (3, 1, 0)]
    assert [rank.rank for rank in table.of_server(0)] == [2, 3]
    assert table.this_server("a") == 0 and table.this_server("b") == 1
    assert "dictionary order" in table.warning()


def test_a_table_in_order_gives_no_warning(tmp_path):
    table = good_table()
    table["server_list"][0]["server_id"], table["server_list"][1]["server_id"] = "b", "a"
    path = tmp_path / "table.json"
    path.write_text(json.dumps(table))
    assert RankTable(path).warning() == ""


def _device(table):
    return table["server_list"][0]["device"][0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.update(server_list=[], server_count="0"), "server_list is missing or empty"),
        (lambda t: t.update(server_list="ab"), "server_list is missing or empty"),
        (lambda t: t["server_list"].append(3), 'server_count is .2., server_list has "3"'),
        (lambda t: t["server_list"].__setitem__(1, 3), r"server_list\[1\] must be an object"),
        (lambda t: t["server_list"][0].update(server_id=""), r"server_list\[0\]: server_id is mis"),
        (lambda t: t["server_list"][0].update(server_id=3), r"server_list\[0\]: server_id is miss"),
        (lambda t: t["server_list"][0].update(device=[]), "server a: device is missing or empty"),
        (lambda t: t["server_list"][0].update(device="ab"), "server a: device is missing or empty"),
        (lambda t: t["server_list"][0].update(device=[3]), "server a: a device must be an object"),
        (lambda t: _device(t).update(device_id="x"), "server a: device_id is 'x', must be a str"),
        (lambda t: _device(t).update(rank_id="\u0663"), "rank_id is '\u0663', must be a string"),
        (lambda t: _device(t).update(device_ip=3), "server a, device 0: device_ip 3 is not an"),
        (lambda t: _device(t).update(device_ip=""), "device 0: device_ip is missing .hccn_tool"),
    ],
)
def test_a_table_s_fault_is_named(change, expected):
    table = good_table()
    change(table)
    with pytest.raises(UsageError, match=expected):
        check_table(table)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda t: t.update(super_pod_list=[]), "version 1.2 needs super_pod_list"),
        (lambda t: t.update(super_pod_list={"a": 1}), "version 1.2 needs super_pod_list"),
        (lambda t: t.update(super_pod_list=[3]), "super_pod_list: .* has the wrong form"),
        (
            lambda t: t["super_pod_list"][1].update(super_pod_id="a"),
            "super_pod_id a is there twice",
        ),
        (
            lambda t: _device(t).update(super_device_id=3),
            "device 0: version 1.2 needs super_d",
        ),
        (lambda t: _device(t).update(super_device_id=""), "version 1.2 needs super_device_id"),
        (lambda t: t["super_pod_list"].pop(), "super_pod_list and server_list differ in b"),
        (
            lambda t: t["super_pod_list"][0]["server_list"].append({"server_id": "b"}),
            "super_pod_list: server_id b is there twice",
        ),
    ],
)
def test_a_super_pod_s_fault_is_named(change, expected):
    table = good_table("1.2")
    check_table(table)
    change(table)
    with pytest.raises(UsageError, match=expected):
        check_table(table)


@pytest.mark.parametrize(
    ("count", "named"),
    [(6, "s0, s1, s2, s3, s4, s5$"), (8, r"s0, s1, s2, s3, s4, s5, \.\.\. \(8\)$")],
)
def test_the_names_of_many_servers_are_cut_short(tmp_path, count, named):
    servers = []
    for number in range(count):
        device = {"device_id": "0", "device_ip": f"10.0.0.{number}", "rank_id": str(number)}
        servers.append({"server_id": f"s{number}", "device": [device]})
    table = {"version": "1.0", "server_count": str(count), "server_list": servers}
    path = tmp_path / "table.json"
    path.write_text(json.dumps({**table, "status": "completed"}))
    with pytest.raises(UsageError, match=f"is not in .*: {named}"):
        RankTable(path).this_server("other")


def test_this_host_is_found_by_name_or_address_but_not_by_loopback(tmp_path, monkeypatch):
    mine = {"host", "10.1.2.3", "127.0.0.1", "::1", "localhost"}
    monkeypatch.setattr("scripts.launching.rank_table.local_addresses", lambda: mine)
    table, path = good_table(), tmp_path / "table.json"

    def find(name, host_ip=None):
        table["server_list"][1]["server_id"] = name
        table["server_list"][1]["host_ip"] = host_ip
        path.write_text(json.dumps(table))
        return RankTable(path).this_server()

    assert find("host") == find("10.1.2.3") == find("other", "10.1.2.3") == 1
    for loopback in ("127.0.0.1", "::1", "localhost"):
        with pytest.raises(UsageError, match=r"no server of .* is this host \(10.1.2.3, host\)"):
            find(loopback)
    table["server_list"][0]["host_ip"] = "10.1.2.3"
    with pytest.raises(UsageError, match="more than one server of"):
        find("host")


def test_local_addresses_hold_the_loopback_and_the_name():
    found = local_addresses()
    assert {"127.0.0.1", socket.gethostname()} <= found
    assert all("\0" not in name for name in found)
