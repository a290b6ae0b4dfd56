"""Hosts of a test's own: network namespaces on one bridge, each with its name and its cable."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.needs import need, skip

_UTS = 'hostname "$0" && exec "$@"'


class Host:
    """One namespace; `address` is where it would be reached, `name` what it calls itself."""

    def __init__(self, network: "Network", number: int) -> None:
        self.name = f"host-{number}"
        self.namespace = f"{network.name}-{number}"
        self.address = f"{network.prefix}.{number + 10}"
        self._cable = f"{network.name}v{number}"
        _ip("netns", "add", self.namespace)
        peer = f"{network.name}p{number}"
        _ip("link", "add", self._cable, "type", "veth", "peer", "name", peer)
        _ip("link", "set", peer, "netns", self.namespace)
        _ip("link", "set", self._cable, "master", network.name, "up")
        self._inside("link", "set", "lo", "up")
        self._inside("link", "set", peer, "up")
        self._inside("address", "add", f"{self.address}/24", "dev", peer)

    def command(self, command: list[str]) -> list[str]:
        """Return the command line that runs a command on this host."""
        inside = ["ip", "netns", "exec", self.namespace, "unshare", "--uts"]
        return [*inside, "sh", "-c", _UTS, self.name, *command]

    def cut_off(self) -> None:
        """Pull the cable: packets vanish, nobody is told."""
        _ip("link", "set", self._cable, "down")

    def reconnect(self) -> None:
        """Plug it in again."""
        _ip("link", "set", self._cable, "up")

    def remove(self) -> None:
        """Remove the namespace and its cable with it."""
        subprocess.run(["ip", "netns", "del", self.namespace], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", self._cable], check=False, capture_output=True)

    def _inside(self, *arguments: str) -> None:
        _ip("-n", self.namespace, *arguments)


class Network:
    """A bridge; `address` is where its hosts reach what listens outside of them."""

    def __init__(self) -> None:
        number = os.getpid() % 60_000
        self.name = f"sch{number:x}"
        self.prefix = f"10.{200 + number // 256 % 50}.{number % 256}"
        self.address = f"{self.prefix}.1"
        _ip("link", "add", self.name, "type", "bridge")
        _ip("address", "add", f"{self.address}/24", "dev", self.name)
        _ip("link", "set", self.name, "up")

    def remove(self) -> None:
        """Remove the bridge."""
        subprocess.run(["ip", "link", "del", self.name], check=False, capture_output=True)


@contextmanager
def two_hosts() -> Iterator[tuple[Network, Host, Host]]:
    """Yield a network of two hosts; skip where one may not make any."""
    for program in ("ip", "unshare"):
        need(program)
    try:
        network = Network()
    except subprocess.CalledProcessError as error:
        skip(f"network namespaces are not permitted: {error.stderr.strip()}")
    hosts: list[Host] = []
    try:
        for number in (1, 2):
            hosts.append(Host(network, number))  # noqa: PERF401 - the first one must be removed too
        yield network, hosts[0], hosts[1]
    except subprocess.CalledProcessError as error:
        skip(f"network namespaces are not permitted: {error.stderr.strip()}")
    finally:
        for host in hosts:
            host.remove()
        network.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
