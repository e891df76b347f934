"""Rank tables (HCCL, format 1.0, and 1.2 for super pods): read, check, find this host in them."""

import fcntl
import ipaddress
import json
import socket
import struct
from pathlib import Path
from typing import NamedTuple

from .checks import UsageError

VERSIONS = ("1.0", "1.2")
_SIOCGIFADDR = 0x8915  # Linux: IPv4 address of a network interface


class Rank(NamedTuple):
    """One process: its rank, its device on its server, and the server's place in the table."""

    rank: int
    device: int
    server: int


class RankTable:
    """A checked rank table.

    Args:
        path: the json file.
    Raises:
        UsageError: unreadable, not json, or against the format; the line names the place.
    """

    def __init__(self, path):
        self.path = Path(path)
        try:
            self.table = json.loads(self.path.read_text())
        except (OSError, UnicodeDecodeError) as err:
            raise UsageError(f"rank table {path} cannot be read: {err}") from None
        except (json.JSONDecodeError, RecursionError) as err:
            raise UsageError(f"rank table {path} is not json: {err}") from None
        try:
            check_table(self.table)
        except UsageError as err:
            raise UsageError(f"rank table {path}: {err}") from None
        self.servers = self.table["server_list"]
        self.ranks = sorted(
            (
                Rank(int(device["rank_id"]), int(device["device_id"]), index)
                for index, server in enumerate(self.servers)
                for device in server["device"]
            ),
            key=lambda rank: rank.rank,
        )

    def warning(self):
        """What HCCL may refuse although the table is well-formed; empty for nothing."""
        names = [self.servers[rank.server]["server_id"] for rank in self.ranks]
        if names == sorted(names):
            return ""
        return f"the ranks of {self.path} do not follow the dictionary order of server_id"

    def of_server(self, index):
        """The ranks of one server, in order of rank."""
        return [rank for rank in self.ranks if rank.server == index]

    def this_server(self, server_id=""):
        """Place in the table of the host that this runs on.

        Args:
            server_id: its server_id; empty looks for this host's names and addresses.
        Raises:
            UsageError: no server, or more than one, fits.
        """
        known = [server["server_id"] for server in self.servers]
        if server_id:
            if server_id not in known:
                raise UsageError(f"SERVER_ID {server_id} is not in {self.path}: {_few(known)}")
            return known.index(server_id)
        mine = local_addresses()
        own = {"127.0.0.1", "::1", "localhost"}
        found = [
            index
            for index, server in enumerate(self.servers)
            if {server["server_id"], server.get("host_ip")} & (mine - own)
        ]
        if len(found) != 1:
            what = "no server" if not found else "more than one server"
            addresses = _few(sorted(mine - own)) or "none"
            message = f"{what} of {self.path} ({_few(known)}) is this host ({addresses})"
            raise UsageError(f"{message}; set SERVER_ID to its server_id")
        return found[0]


def check_table(table):
    """Check a rank table that was read from json.

    Raises:
        UsageError: the first thing that is wrong.
    """
    _need(isinstance(table, dict), "must be a json object")
    version = table.get("version")
    _need(version in VERSIONS, f'version is {version!r}, must be "{VERSIONS[0]}" or "1.2"')
    status = table.get("status")
    _need(status == "completed", f'status is {status!r}, must be "completed"')
    servers = table.get("server_list")
    _need(isinstance(servers, list) and servers, "server_list is missing or empty")
    number = table.get("server_count")
    good = isinstance(number, str) and number == str(len(servers))
    _need(good, f'server_count is {number!r}, server_list has "{len(servers)}"')
    devices = [(place, device) for place, s in enumerate(servers) for device in _devices(place, s)]
    _unique([server["server_id"] for server in servers], "server_id")
    _unique([device["device_ip"] for _, device in devices], "device_ip")
    ranks = [int(device["rank_id"]) for _, device in devices]
    _unique(ranks, "rank_id")
    gaps = sorted(set(range(len(ranks))) - set(ranks))
    _need(
        not gaps, f"{len(ranks)} devices, so rank ids are 0..{len(ranks) - 1}; {gaps[:1]} missing"
    )
    if version == "1.2":
        _check_super_pods(table, servers)


def _devices(place, server):
    where = f"server_list[{place}]"
    _need(isinstance(server, dict), f"{where} must be an object")
    name = server.get("server_id")
    _need(isinstance(name, str) and name, f"{where}: server_id is missing or not a string")
    devices = server.get("device")
    _need(isinstance(devices, list) and devices, f"server {name}: device is missing or empty")
    for device in devices:
        _need(isinstance(device, dict), f"server {name}: a device must be an object")
        for key in ("device_id", "rank_id"):
            value = device.get(key)
            good = isinstance(value, str) and value.isascii() and value.isdigit()
            _need(good, f'server {name}: {key} is {value!r}, must be a string such as "0"')
        label = f"server {name}, device {device['device_id']}"
        _need(_is_address(device.get("device_ip")), f"{label}: {_ip_problem(device)}")
    _unique([int(device["device_id"]) for device in devices], f"server {name}: device_id")
    return devices


def _ip_problem(device):
    if not device.get("device_ip"):
        return "device_ip is missing (hccn_tool -i N -ip -g, or /etc/hccn.conf, shows it)"
    return f"device_ip {device['device_ip']!r} is not an address"


def _check_super_pods(table, servers):
    for server in servers:
        for device in server["device"]:
            label = f"server {server['server_id']}, device {device['device_id']}"
            good = isinstance(device.get("super_device_id"), str) and device["super_device_id"]
            _need(good, f"{label}: version 1.2 needs super_device_id, a string")
    pods = table.get("super_pod_list")
    _need(isinstance(pods, list) and pods, "version 1.2 needs super_pod_list")
    try:
        pod_ids = [pod["super_pod_id"] for pod in pods]
        members = [member["server_id"] for pod in pods for member in pod["server_list"]]
    except (TypeError, KeyError) as err:
        raise UsageError(f"super_pod_list: {err} is missing or has the wrong form") from None
    _unique(pod_ids, "super_pod_id")
    _unique(members, "super_pod_list: server_id")
    odd = {server["server_id"] for server in servers} ^ set(members)
    _need(not odd, f"super_pod_list and server_list differ in {_few(sorted(odd))}")


def _need(condition, message):
    if not condition:
        raise UsageError(message)


def _unique(values, what):
    seen = set()
    for value in values:
        _need(value not in seen, f"{what} {value} is there twice")
        seen.add(value)


def _few(names, most=6):
    return ", ".join(names[:most]) + (f", ... ({len(names)})" if len(names) > most else "")


def _is_address(text):
    try:
        ipaddress.ip_address(text if isinstance(text, str) else "")
    except ValueError:
        return False
    return True


def local_addresses():
    """Names and IP addresses of this host (Linux), loopback included: a set of str."""
    found = {socket.gethostname(), socket.getfqdn()}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode())
            try:
                reply = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:  # an interface without an IPv4 address
                continue
            found.add(socket.inet_ntoa(reply[20:24]))
    table = Path("/proc/net/if_inet6")
    lines = table.read_text().splitlines() if table.exists() else []
    return found | {str(ipaddress.ip_address(bytes.fromhex(line.split()[0]))) for line in lines}
