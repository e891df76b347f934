"""Write a rank table for this host, or merge the tables of several hosts into one.

    python scripts/make_rank_table.py host --output host_a.json
    python scripts/make_rank_table.py host --devices 0-3 --device_ips 192.168.100.101,...
    python scripts/make_rank_table.py merge host_a.json host_b.json --output cluster.json

The device addresses come from /etc/hccn.conf (lines address_0=...) unless --device_ips names
them. Ranks follow the dictionary order of server_id, then the device numbers, as HCCL expects.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from .checks import UsageError
from .rank_table import RankTable, check_table, local_addresses


def device_addresses(conf):
    """Device number -> address of the lines address_<n>=<ip> of a hccn.conf.

    Raises:
        UsageError: the file cannot be read or has no such line.
    """
    try:
        text = Path(conf).read_text()
    except (OSError, UnicodeDecodeError) as err:
        raise UsageError(f"{conf} cannot be read ({err}); give --device_ips") from None
    found = re.findall(r"^\s*address_(\d+)\s*=\s*(\S+)\s*$", text, re.MULTILINE)
    if not found:
        raise UsageError(f"{conf} has no line address_<n>=<ip>; give --device_ips")
    return {int(device): address for device, address in found}


def parse_devices(text):
    """Device numbers of "0,1,5" or "0-7" or a mixture.

    Raises:
        UsageError: not of that form.
    """
    devices = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not match or int(match[2] or match[1]) < int(match[1]):
            raise UsageError(f"--devices {text}: write 0-7 or 0,2,5")
        devices += range(int(match[1]), int(match[2] or match[1]) + 1)
    return devices


def host_table(server_id, addresses, super_pod="", super_devices=()):
    """Rank table of one host.

    Args:
        server_id: its address, as the other hosts see it.
        addresses: device number -> device_ip.
        super_pod: super_pod_id; not empty makes format 1.2.
        super_devices: with it, super_device_id of each device, in the order of the devices.
    """
    devices = [
        {"device_id": str(device), "device_ip": addresses[device]} for device in sorted(addresses)
    ]
    server = {"server_id": server_id, "device": devices, "host_nic_ip": "reserve"}
    pods = []
    if super_pod:
        server = {"server_id": server_id, "host_ip": server_id, "device": devices}
        pods = [{"super_pod_id": super_pod, "server_list": [{"server_id": server_id}]}]
        if len(super_devices) != len(devices):
            wanted = f"{len(devices)} devices"
            raise UsageError(f"--super_device_ids: {len(super_devices)} given for {wanted}")
        for device, number in zip(devices, super_devices):
            device["super_device_id"] = number
    return _table([server], pods)


def merge_tables(tables):
    """One table of several: servers in dictionary order of server_id, ranks numbered anew.

    Raises:
        UsageError: versions differ, or a server is in two tables.
    """
    versions = {table["version"] for table in tables}
    if len(versions) > 1:
        raise UsageError(f"tables of version {' and '.join(sorted(versions))} cannot be merged")
    servers = [server for table in tables for server in table["server_list"]]
    pods = {}
    for pod in (pod for table in tables for pod in table.get("super_pod_list", [])):
        pods.setdefault(pod["super_pod_id"], []).extend(pod["server_list"])
    pod_list = [
        {"super_pod_id": name, "server_list": sorted(members, key=lambda m: m["server_id"])}
        for name, members in sorted(pods.items())
    ]
    return _table(servers, pod_list)


def _table(servers, pods):
    servers = sorted(servers, key=lambda server: server["server_id"])
    rank = 0
    for server in servers:
        server["device"] = sorted(server["device"], key=lambda device: int(device["device_id"]))
        for device in server["device"]:
            device["rank_id"] = str(rank)
            rank += 1
    table = {"version": "1.2" if pods else "1.0", "server_count": str(len(servers))}
    table["server_list"] = servers
    if pods:
        table["super_pod_list"] = pods
    table["status"] = "completed"
    check_table(table)
    return table


def _own_address():
    # Names and IPv6 addresses are among them.
    ipv4 = [text for text in local_addresses() if re.fullmatch(r"\d+(\.\d+){3}", text)]
    found = sorted(text for text in ipv4 if not text.startswith("127."))
    if len(found) != 1:
        raise UsageError(f"this host has the addresses {found}; choose one with --server_id")
    return found[0]


def _make_host(options):
    wanted = parse_devices(options.devices) if options.devices else None
    if options.device_ips:
        given = options.device_ips.split(",")
        wanted = wanted or list(range(len(given)))
        if len(given) != len(wanted):
            raise UsageError(f"--device_ips: {len(given)} addresses for {len(wanted)} devices")
        addresses = dict(zip(wanted, given))
    else:
        known = device_addresses(options.hccn_conf)
        missing = [device for device in wanted or () if device not in known]
        if missing:
            raise UsageError(f"{options.hccn_conf} has no address of device {missing[0]}")
        addresses = {device: known[device] for device in wanted or known}
    super_devices = options.super_device_ids.split(",") if options.super_device_ids else ()
    server_id = options.server_id or _own_address()
    return host_table(server_id, addresses, options.super_pod_id, super_devices)


def _parser():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    host = commands.add_parser("host", help="the table of this host")
    host.add_argument("--server_id", default="", help="this host's address (default: its only one)")
    host.add_argument("--devices", default="", help="0-7 or 0,2,5 (default: all that are known)")
    host.add_argument("--hccn_conf", default="/etc/hccn.conf", help="file with address_<n>=<ip>")
    host.add_argument("--device_ips", default="", help="addresses instead, with commas")
    host.add_argument("--super_pod_id", default="", help="super pod: writes format 1.2")
    host.add_argument("--super_device_ids", default="", help="with it: one a device, with commas")
    merge = commands.add_parser("merge", help="one table of several hosts' tables")
    merge.add_argument("tables", nargs="+", help="rank tables to merge")
    for command in (host, merge):
        command.add_argument(
            "--output", default="", help="file to write (default: standard output)"
        )
    return parser


def main(argv):
    """Run the command line; exit status 0, or 2 for a user's mistake."""
    options = _parser().parse_args(argv)
    try:
        if options.command == "host":
            table = _make_host(options)
        else:
            table = merge_tables([RankTable(path).table for path in options.tables])
        text = json.dumps(table, indent=2) + "\n"
        if not options.output:
            sys.stdout.write(text)
            return 0
        temporary = Path(f"{options.output}.tmp")
        temporary.write_text(text)
        temporary.replace(options.output)
    except (UsageError, OSError) as err:
        print(f"error: {err}", file=sys.stderr)
        return 2
    print(f"{options.output}: {sum(len(s['device']) for s in table['server_list'])} ranks")
    return 0
