"""Command lines and environments of every host, without starting anything."""

import json
import sys
from pathlib import Path

import pytest

from scripts.launching import results
from tests.scripts.launchers import plan, server_id


def flags(command):
    """--key value and --key=value words of a command as a dict."""
    found = {}
    for number, word in enumerate(command):
        if word.startswith("--"):
            key, equals, value = word.partition("=")
            found[key[2:]] = value if equals else command[number + 1]
    return found


@pytest.mark.parametrize("hosts", [1, 8, 128])
def test_rank_table_start_on_every_host(launchers, data, rank_table, hosts):
    """8, 64 and 1024 devices: every rank once, each on its own device, the same size everywhere."""
    table = rank_table(hosts)
    names = [server_id(host) for host in range(hosts)]
    call = ("run_distribute_train", "depthnet", data, table)
    options = {"RANK_TABLE_START": "1", "HCCL_CONNECT_TIMEOUT": "1200"}
    plans = launchers.dry_run_on_hosts(names, *call, **options)
    seen = []
    for host, (jobs, note) in enumerate(plans):
        assert f"{8 * hosts} ranks on {hosts} server(s), 8 of them here; one process each" in note
        assert "deprecated" in note
        for device, (name, (environ, command)) in enumerate(jobs.items()):
            rank = 8 * host + device
            assert name == f"rank {rank}"
            assert environ == {
                "RANK_TABLE_FILE": str(table),
                "RANK_SIZE": str(8 * hosts),
                "RANK_ID": str(rank),
                "DEVICE_ID": str(device),
                "HCCL_CONNECT_TIMEOUT": "1200",
            }
            assert command[:2] == [sys.executable, "train.py"]
            wanted = {"data_url": str(data), "run_distribute": "True", "device_target": "Ascend"}
            assert flags(command) == wanted
            seen.append(rank)
    assert seen == list(range(8 * hosts))


def table_of(path, *hosts):
    """A rank table of hosts, each a list of device numbers in the order of their ranks."""
    rank, servers = 0, []
    for host, devices in enumerate(hosts):
        entries = []
        for device in devices:
            address = f"192.168.{host}.{device + 1}"
            entry = {"device_id": str(device), "device_ip": address, "rank_id": str(rank)}
            entries.append(entry)
            rank += 1
        servers.append({"server_id": server_id(host), "device": entries, "host_nic_ip": "reserve"})
    table = {"version": "1.0", "server_count": str(len(hosts)), "server_list": servers}
    path.write_text(json.dumps({**table, "status": "completed"}))
    return path


@pytest.mark.parametrize(
    ("devices", "visible", "warns"),
    [([4, 5, 6, 7], "4,5,6,7", False), ([7, 5, 4, 6], "7,5,4,6", True), ([3], "3", False)],
)
def test_msrun_gets_the_devices_of_the_table(launchers, data, tmp_path, devices, visible, warns):
    """The list is in the order of the ranks; a worker's DEVICE_ID counts in it."""
    table = table_of(tmp_path / "table.json", devices)
    call = ("run_distribute_train", "depthnet", data, table, "--dry_run")
    stale = {"ASCEND_RT_VISIBLE_DEVICES": "0,1", "RANK_TABLE_FILE": "old.json"}
    out, err = launchers.run(*call, SERVER_ID=server_id(0), **stale)
    jobs, note = plan(out)
    ((name, (environ, command)),) = jobs.items()
    own = {"ASCEND_RT_VISIBLE_DEVICES": visible, "HCCL_CONNECT_TIMEOUT": "600"}
    assert name == "msrun" and environ == {**own, "PATH": environ["PATH"]}
    given = flags(command)
    assert given["worker_num"] == given["local_worker_num"] == str(len(devices))
    assert given["device_target"] == "Ascend" and given["run_distribute"] == "True"
    ranks = f"{len(devices)} ranks on 1 server(s), {len(devices)} of them here"
    assert note == f"{ranks}, on devices {visible} of {table}; msrun starts them"
    warning = f"warning: ASCEND_RT_VISIBLE_DEVICES documents ascending devices only, {table} has"
    assert (warning in err) == warns and ("RANK_TABLE_START=1" in err) == warns


def test_msrun_of_a_table_of_several_hosts(launchers, data, tmp_path):
    table = table_of(tmp_path / "table.json", [4, 5, 6, 7], [3, 2, 1, 0], [0, 1, 2, 3])
    call = ("run_distribute_train", "depthnet", data, table)
    plans = launchers.dry_run_on_hosts([server_id(host) for host in range(3)], *call)
    for host, (jobs, note) in enumerate(plans):
        ((_, (environ, command)),) = jobs.items()
        visible = ("4,5,6,7", "3,2,1,0", "0,1,2,3")[host]
        assert environ["ASCEND_RT_VISIBLE_DEVICES"] == visible
        assert f"12 ranks on 3 server(s), 4 of them here, on devices {visible} of" in note
        given = flags(command)
        assert (given["worker_num"], given["local_worker_num"]) == ("12", "4")
        assert (given["node_rank"], given["tail_worker_log"]) == (str(host), str(4 * host))
        assert (given["master_addr"], given["master_port"]) == (server_id(0), "8118")


def test_the_hosts_of_msrun_follow_their_ranks(launchers, data, tmp_path):
    """Whose ranks come first is host 0, wherever it stands in the table."""
    table = table_of(tmp_path / "table.json", [0, 1], [0, 1])
    content = json.loads(table.read_text())
    content["server_list"].reverse()
    table.write_text(json.dumps(content))
    call = ("run_distribute_train", "depthnet", data, table)
    plans = launchers.dry_run_on_hosts([server_id(host) for host in range(2)], *call)
    nodes = [flags(next(iter(jobs.values()))[1]) for jobs, _ in plans]
    assert [given["node_rank"] for given in nodes] == ["0", "1"]
    assert {given["master_addr"] for given in nodes} == {server_id(0)}


def test_ranks_that_alternate_between_hosts_are_pointed_out(launchers, data, tmp_path):
    table = table_of(tmp_path / "table.json", [0, 1], [0, 1])
    content = json.loads(table.read_text())
    devices = [device for server in content["server_list"] for device in server["device"]]
    for device, rank in zip(devices, "0213"):
        device["rank_id"] = rank
    table.write_text(json.dumps(content))
    call = ("run_distribute_train", "depthnet", data, table, "--dry_run")
    _, err = launchers.run(*call, SERVER_ID=server_id(0))
    assert f"warning: the ranks of a server in {table} do not follow each other" in err


def test_without_a_card_the_devices_of_the_table_are_not_used(launchers, data, tmp_path):
    table = table_of(tmp_path / "table.json", [7, 5, 4, 6])
    call = ("run_distribute_train", "depthnet", data, table)
    for target in ("CPU", "GPU"):
        jobs, note = launchers.dry_run(*call, DEVICE_TARGET=target)
        environ, command = jobs["msrun"]
        assert "ASCEND_RT_VISIBLE_DEVICES" not in environ
        assert "HCCL_CONNECT_TIMEOUT" not in environ
        assert flags(command)["worker_num"] == "4" and "only their number is taken" in note
        assert note.startswith("4 ranks on 1 server(s), 4 of them here; DEVICE_TARGET=")
    two = ("run_distribute_train", "depthnet", data, table_of(table, [0, 1], [2, 3]))
    jobs, _ = launchers.dry_run(*two, DEVICE_TARGET="CPU", SERVER_ID=server_id(1))
    assert flags(jobs["msrun"][1])["node_rank"] == "1"
    assert "no server of" in launchers.refuse(*two, DEVICE_TARGET="CPU")


def test_a_rank_table_start_needs_all_devices_visible(launchers, data, tmp_path):
    table = table_of(tmp_path / "table.json", [4, 5])
    call = ("run_distribute_train", "depthnet", data, table)
    options = {"SERVER_ID": server_id(0), "ASCEND_RT_VISIBLE_DEVICES": "4,5"}
    line = launchers.refuse(*call, RANK_TABLE_START=1, **options)
    assert line == (
        "error: ASCEND_RT_VISIBLE_DEVICES renumbers the devices; unset it for RANK_TABLE_START=1"
    )
    jobs, _ = launchers.dry_run(*call, RANK_TABLE_START=1, SERVER_ID=server_id(0))
    assert [environ["DEVICE_ID"] for environ, _ in jobs.values()] == ["4", "5"]


@pytest.mark.parametrize("hosts", [1, 8, 128])
def test_msrun_on_every_host(launchers, data, rank_table, hosts):
    table = rank_table(hosts)
    names = [server_id(host) for host in range(hosts)]
    call = ("run_distribute_train", "depthnet", data, table)
    plans = launchers.dry_run_on_hosts(names, *call, DEVICE_TARGET="CPU")
    assert len(plans) == hosts
    for host, (jobs, note) in enumerate(plans):
        assert "DEVICE_TARGET=CPU: only their number is taken from" in note and "msrun" in note
        ((name, (environ, command)),) = jobs.items()
        given = flags(command)
        assert name == "msrun" and Path(command[0]).name == "msrun"
        assert int(given["worker_num"]) == 8 * hosts and given["local_worker_num"] == "8"
        assert int(given["node_rank"]) == host and given["join"] == "True"
        assert given["tail_worker_log"] == str(8 * host) and given["worker_log_name"] == "rank"
        assert given["log_dir"] == str(launchers.logs)
        assert given["device_target"] == "CPU" and given["run_distribute"] == "True"
        if hosts > 1:
            assert (given["master_addr"], given["master_port"]) == (server_id(0), "8118")
        else:
            assert given["master_addr"] == "127.0.0.1"
        script = command.index("python")
        assert command[script + 1] == str(launchers.models / "depthnet" / "train.py")
        assert environ["MS_CPU_COMM_OP_TIMEOUT"] == "1800" and "RANK_TABLE_FILE" not in environ
        assert environ["PATH"] == f"{Path(sys.executable).parent}:$PATH"


def test_one_device_table(launchers, data, rank_table):
    options = {"SERVER_ID": server_id(0), "RANK_TABLE_START": "1"}
    jobs, _ = launchers.dry_run(
        "run_distribute_train", "depthnet", data, rank_table(1, 1), **options
    )
    ((name, (environ, _)),) = jobs.items()
    assert name == "rank 0" and environ["RANK_SIZE"] == "1" and environ["DEVICE_ID"] == "0"


def test_unequal_hosts_need_a_rank_table_start(launchers, data, rank_table, tmp_path):
    table = rank_table(2, 2)
    content = json.loads(table.read_text())
    content["server_list"][1]["device"].pop()
    table.write_text(json.dumps(content))
    call = ("run_distribute_train", "depthnet", data, table)
    line = launchers.refuse(*call, SERVER_ID=server_id(1), DEVICE_TARGET="CPU")
    assert "msrun needs as many devices on each server; RANK_TABLE_START=1" in line
    jobs, _ = launchers.dry_run(*call, SERVER_ID=server_id(1), RANK_TABLE_START=1)
    assert list(jobs) == ["rank 2"]


def test_connect_timeout(launchers, data, rank_table):
    call = ("run_distribute_train", "depthnet", data, rank_table(1, 1))
    for way, name in (("1", "rank 0"), ("0", "msrun")):
        jobs, _ = launchers.dry_run(*call, SERVER_ID=server_id(0), RANK_TABLE_START=way)
        assert jobs[name][0]["HCCL_CONNECT_TIMEOUT"] == "600"
    for good in ("120", "7200"):
        options = {"SERVER_ID": server_id(0), "HCCL_CONNECT_TIMEOUT": good}
        assert launchers.dry_run(*call, **options)[0]["msrun"][0]["HCCL_CONNECT_TIMEOUT"] == good
    for bad in ("119", "7201", "long"):
        options = {"SERVER_ID": server_id(0), "HCCL_CONNECT_TIMEOUT": bad}
        assert "must be 120 to 7200" in launchers.refuse(*call, **options)


def _one(launchers, script, *arguments, **options):
    jobs, _ = launchers.dry_run(script, *arguments, **options)
    ((name, (environ, command)),) = jobs.items()
    return name, environ, command


def test_device_num(launchers, data):
    ckpt = data / "net.ckpt"
    _, _, command = _one(launchers, "run_distribute_train", "midas", 8, ckpt)
    given = flags(command)
    assert given["worker_num"] == given["local_worker_num"] == "8"
    assert given["model_weights"] == str(ckpt) and given["is_modelarts"] == "False"
    assert "device_target" not in given


def test_standalone(launchers, data):
    """The originals' arguments become the originals' flags; extras come last and win."""
    call = ("depthnet", data, 3, "--batch_size", 4)
    name, environ, command = _one(launchers, "run_standalone_train_ascend", *call)
    assert (name, environ) == ("train", {})
    assert command[1:-2] == [
        *("train.py", "--data_url", str(data), "--device_id", "3", "--device_target", "Ascend")
    ]
    assert command[-2:] == ["--batch_size", "4"]
    options = {"DEVICE_TARGET": "CPU"}
    _, _, command = _one(launchers, "run_standalone_train_ascend", *call, **options)
    assert flags(command)["device_target"] == "CPU"
    _, _, command = _one(launchers, "run_standalone_train", *call)
    assert "device_target" not in flags(command)
    ckpt = data / "net.ckpt"
    _, _, command = _one(launchers, "run_standalone_train", "midas", 1, ckpt)
    wanted = {"is_modelarts": "False", "device_id": "1", "model_weights": str(ckpt)}
    assert flags(command) == wanted


def test_gpu(launchers, data):
    ckpt = data / "net.ckpt"
    name, environ, command = _one(launchers, "run_train_gpu", "midas", 4, "0,1,2,5", ckpt)
    assert name == "msrun" and environ["CUDA_VISIBLE_DEVICES"] == "0,1,2,5"
    given = flags(command)
    assert given["worker_num"] == "4" and given["device_target"] == "GPU"
    name, _, command = _one(launchers, "run_train_gpu", "midas", 1, 5, ckpt)
    given = flags(command)
    assert name == "train" and given["device_id"] == "5" and given["run_distribute"] == "False"
    _, environ, command = _one(launchers, "run_train_gpu", "depthnet", 2, "0,1", data)
    assert flags(command)["data_url"] == str(data)


def test_eval_and_export(launchers, data):
    ckpt = str(data / "net.ckpt")
    _, _, command = _one(launchers, "run_eval", "depthnet", data)
    assert command[1:] == ["eval.py", "--test_data", str(data)]
    _, _, command = _one(launchers, "run_eval", "depthnet", data, ckpt, ckpt)
    wanted = {"test_data": str(data), "coarse_ckpt_model": ckpt, "fine_ckpt_model": ckpt}
    assert flags(command) == wanted
    options = {"DEVICE_TARGET": "GPU"}  # the argument wins
    _, _, command = _one(launchers, "run_eval", "midas", 0, "all", ckpt, "CPU", **options)
    wanted = {"device_id": "0", "data_name": "all", "ckpt_path": ckpt, "device_target": "CPU"}
    assert flags(command) == wanted and command.count("--device_target") == 1
    _, _, command = _one(launchers, "run_export", "depthnet", "both")
    assert command[1:] == ["export.py", "--coarse_or_fine", "both"]
    _, _, command = _one(launchers, "run_export", "midas", "--file_format", "ONNX")
    assert command[1:] == ["export.py", "--file_format", "ONNX"]


def test_relative_paths_are_those_of_the_caller(launchers, data):
    call = ("depthnet", data.name, data.name + "/net.ckpt")
    _, _, command = _one(launchers, "run_eval", *call, cwd=data.parent)
    assert flags(command)["coarse_ckpt_model"] == str(data / "net.ckpt")


def test_full_and_performance(launchers, data, tmp_path):
    call = ("depthnet", f"--data_path={data}", f"--output_path={tmp_path}/o", "--epochs_coarse", 1)
    jobs, _ = launchers.dry_run("train_full_1p", *call)
    assert list(jobs) == ["train", "eval"]
    wanted = {"data_url": str(data), "train_url": f"{tmp_path}/o", "epochs_coarse": "1"}
    assert flags(jobs["train"][1]) == wanted
    evaluated = flags(jobs["eval"][1])
    assert evaluated["coarse_ckpt_model"] == f"{tmp_path}/o/Ckpt/FinalCoarseNet.ckpt"
    assert "epochs_coarse" not in evaluated
    jobs, _ = launchers.dry_run("train_performance_1p", "depthnet", "--data_path", data)
    given = flags(jobs["train"][1])
    assert given["log_steps"] == "10" and given["train_url"] == str(launchers.logs)
    jobs, _ = launchers.dry_run(
        "train_performance_1p", "depthnet", "--data_path", data, "--steps=9"
    )
    assert flags(jobs["train"][1])["log_steps"] == "1"


def test_dry_run_variable_writes_nothing(launchers, data):
    out, _ = launchers.run("run_standalone_train", "depthnet", data, 0, DRY_RUN=1)
    assert out.startswith("# train\ncd ")
    assert not launchers.logs.exists() and not list(launchers.records.iterdir())


def test_monodepth2(launchers, data):
    """The seed's scripts: DATASET_PATH DEVICE_ID, DATASET_PATH RANK_TABLE_FILE|DEVICE_NUM, ..."""
    weights = data / "weights_best"
    weights.mkdir()
    given = ["--data_path", str(data)]
    _, _, command = _one(launchers, "run_standalone_train_ascend", "monodepth2", data, 3)
    assert command[1:] == ["train.py", *given, "--device_id", "3", "--device_target", "Ascend"]
    _, _, command = _one(launchers, "run_distribute_train", "monodepth2", data, 8)
    assert flags(command)["data_path"] == str(data) and flags(command)["worker_num"] == "8"
    name, _, command = _one(launchers, "run_train_gpu", "monodepth2", 1, 5, data)
    assert name == "train" and flags(command)["data_path"] == str(data)
    given += ["--load_weights_folder", str(weights)]
    for word in ("mono", "stereo"):
        _, _, command = _one(launchers, "run_eval", "monodepth2", data, weights, word)
        assert command[1:] == ["eval.py", *given, f"--eval_{word}"]
    line = launchers.refuse("run_eval", "monodepth2", data, weights, "both")
    assert line == "error: mono|stereo: 'both' is not one of mono, stereo"
    _, _, command = _one(launchers, "run_export", "monodepth2")
    assert command[1:] == ["export.py"]
    _, _, command = _one(launchers, "run_export", "monodepth2", weights)
    assert command[1:] == ["export.py", *given[2:]]


def test_the_pipelines_of_monodepth2(launchers, data, tmp_path):
    """Train, export_gt_depth, evaluate; the second takes no device, and the first all extras."""
    call = ("monodepth2", f"--data_path={data}", f"--output_path={tmp_path}/o", "--use_stereo")
    jobs, _ = launchers.dry_run("train_full_1p", *call, DEVICE_TARGET="CPU")
    assert list(jobs) == ["train", "export_gt_depth", "eval"]
    target, given = ["--device_target", "CPU"], ["--data_path", str(data)]
    run = ["--train_url", f"{tmp_path}/o", "--model_name", "mdp"]
    assert jobs["train"][1][1:] == ["train.py", *given, *run, *target, "--use_stereo"]
    truth = ["export_gt_depth.py", *given, "--split", "eigen"]
    assert jobs["export_gt_depth"][1][1:] == truth
    evaluated = jobs["eval"][1][1:]
    assert evaluated[0] == "eval.py" and evaluated[-2:] == target
    assert f"{tmp_path}/o/mdp/models/weights_best" in evaluated and "--eval_mono" in evaluated


def test_a_training_in_a_folder_of_its_own_is_timed_there(launchers, data, tmp_path):
    """metrics.csv lies below output_path, beside models/opt.json."""
    models = tmp_path / "o" / "mdp" / "models"
    models.mkdir(parents=True)
    rows = "".join(f"{step},1.0,{rate}\n" for step, rate in enumerate((0.5, 4, 8)))
    (models.parent / "metrics.csv").write_text(f"step,loss,examples_per_s\n{rows}")
    (models / "opt.json").write_text('{\n  "seed": 210,\n  "batch_size": 4,\n  "x": 1\n}')
    call = ("train_performance_1p", "monodepth2", "--data_path", data, "--output_path")
    line = launchers.refuse(*call, tmp_path / "o")
    assert f"{tmp_path}/o/mdp has a metrics.csv already" in line
    assert results.speed({"steps": "3"}, models.parent)[0].startswith("0.7500 s/iter, 5.33 ex")


def test_geonet(launchers, data):
    """DATASET_DIR DEVICE_ID, DATASET_DIR RANK_TABLE_FILE|DEVICE_NUM, DATASET_DIR TASK CKPT, ..."""
    given = ["--dataset_dir", str(data)]
    _, _, command = _one(launchers, "run_standalone_train_ascend", "geonet", data, 3)
    assert command[1:] == ["train.py", *given, "--device_id", "3", "--device_target", "Ascend"]
    _, _, command = _one(launchers, "run_distribute_train", "geonet", data, 8, "--max_steps", 9)
    wanted = {"dataset_dir": str(data), "worker_num": "8", "max_steps": "9"}
    assert wanted.items() <= flags(command).items()
    name, _, command = _one(launchers, "run_train_gpu", "geonet", 1, 5, data)
    assert name == "train" and flags(command)["dataset_dir"] == str(data)
    for task in ("depth", "pose", "flow"):
        weights = ["--init_ckpt_file", str(data / "net")]  # its .ckpt is there
        _, _, command = _one(launchers, "run_eval", "geonet", data, task, data / "net")
        assert command[1:] == ["eval.py", *given, "--mode", f"test_{task}", *weights]
        _, _, command = _one(launchers, "run_export", "geonet", data / "net.ckpt")
        assert command[1:] == ["export.py", "--init_ckpt_file", str(data / "net.ckpt")]
    line = launchers.refuse("run_eval", "geonet", data, "poses", data / "net.ckpt")
    assert line == "error: depth|pose|flow: 'poses' is not one of depth, pose, flow"
    line = launchers.refuse("run_eval", "geonet", data, "pose", data / "model-5")
    known = "model-5.ckpt or model-5.index"
    assert line == f"error: CKPT: {data}/model-5 is not a file, nor is {known}"
    _, _, command = _one(launchers, "run_export", "geonet")
    assert command[1:] == ["export.py"]
