"""Machines on one network, on this machine: network namespaces, joined by a bridge.

Each has one network card, whose cable can be pulled or whose way can be blocked without a word.
The test itself is on that network, too, with the servers: `Lan.address`. Needs root and Linux.

WebDriver has to reach a browser whose cable is pulled. So a process within the namespace passes
connections on: it has inherited a socket that listens outside.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from harness.passing_on import passed_on
from pyodide_rtc.testing.browsers.drivers import GuardedChromedriver, find_driver

__all__ = ["Lan", "Machine", "open_lan", "why_no_namespaces"]

_PREFIX = "pyrtc"
_BLOCKED, _FORWARDING = "0", "3"  # what a port of a bridge does with frames


class _Service(GuardedChromedriver):
    def send_remote_shutdown_command(self) -> None:
        """Leave it at the signal: this would wait until nobody listens, and the door does."""


def why_no_namespaces() -> str | None:
    """Say why this machine cannot have network namespaces; None if it can."""
    if shutil.which("ip") is None:
        return "network namespaces need iproute2"
    if os.geteuid() != 0:
        return "network namespaces need root"
    name = f"{_PREFIX}{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"network namespaces are forbidden here: {made.stderr.strip()}"
    _ip("netns", "del", name)
    return None


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of the network.

    Args:
        namespace: its name for `ip netns`.
        port: the end of its cable at the bridge.
        bridge: the namespace that has the bridge.
        address: its own.
    """

    namespace: str
    port: str
    bridge: str
    address: str

    def pull_cable(self) -> None:
        """Cut it off; it sees that its cable is out."""
        _ip("-n", self.bridge, "link", "set", self.port, "down")

    def plug_in(self) -> None:
        """Connect it again."""
        _ip("-n", self.bridge, "link", "set", self.port, "up")

    def block(self) -> None:
        """Lose everything from it and to it; its cable stays in, and nobody is told."""
        self._set_port("state", _BLOCKED)

    def unblock(self) -> None:
        """Let everything through again."""
        self._set_port("state", _FORWARDING)

    def isolate(self, *, is_on: bool = True) -> None:
        """Keep it from all other isolated machines: only the servers are reached."""
        self._set_port("isolated", "on" if is_on else "off")

    def _set_port(self, *setting: str) -> None:
        _run("bridge", "-n", self.bridge, "link", "set", "dev", self.port, *setting)

    @contextmanager
    def chromedriver(self, folder: Path) -> Iterator[GuardedChromedriver]:
        """Give what starts a chromedriver here, and its Chromium, with a way to it from outside."""
        script = folder / f"chromedriver-{self.namespace}"
        program = find_driver("chromium")
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.namespace} {program} "$@"\n')
        script.chmod(0o755)
        with passed_on(None, prefix=["ip", "netns", "exec", self.namespace]) as port:
            yield _Service(None, str(script), port)


@dataclass(frozen=True, slots=True)
class Lan:
    """A network.

    Args:
        address: where the machines reach the servers of the test.
        machines: by name.
    """

    address: str
    machines: dict[str, Machine]


@contextmanager
def open_lan(*names: str) -> Iterator[Lan]:
    """Make a network of machines with these names; all is gone at the end."""
    _sweep()
    own = f"{_PREFIX}{os.getpid()}"
    bridge = f"{own}-lan"
    net = f"10.77.{os.getpid() % 250}"  # of this run: two may be under way
    machines = {
        name: Machine(f"{own}-{name}", f"to-{name}", bridge, f"{net}.{number}")
        for number, name in enumerate(names, 2)
    }
    try:
        _ip("netns", "add", bridge)
        # Without the wait for loops, and with all multicast to all: mDNS has to get through.
        _ip("-n", bridge, "link", "add", "br0", "up", "type", "bridge", "forward_delay", "0")
        _ip("-n", bridge, "link", "set", "br0", "type", "bridge", "mcast_snooping", "0")
        _plug(bridge, "to-tests", own, f"{net}.1")
        for machine in machines.values():
            _ip("netns", "add", machine.namespace)
            _ip("-n", machine.namespace, "link", "set", "lo", "up")
            _plug(bridge, machine.port, "eth0", machine.address, machine.namespace)
        yield Lan(f"{net}.1", machines)
    finally:
        _delete(own)


def _plug(bridge: str, port: str, card: str, address: str, namespace: str | None = None) -> None:
    """Lay a cable from the bridge to a machine, or to where the test runs."""
    there = ["-n", namespace] if namespace is not None else []
    _ip("-n", bridge, "link", "add", port, "type", "veth", "peer", "name", card, "netns",
        namespace or str(os.getpid()))  # fmt: skip
    _ip("-n", bridge, "link", "set", port, "master", "br0", "up")
    _ip(*there, "address", "add", f"{address}/24", "dev", card)
    _ip(*there, "link", "set", card, "up")
    if namespace is not None:
        # A default route, as everybody has: Chromium finds its own address by it.
        gateway = f"{address.rpartition('.')[0]}.1"
        _ip(*there, "route", "add", "default", "via", gateway)


def _sweep() -> None:
    """Delete what runs have left that were killed."""
    for name in _namespaces():
        found = re.match(rf"{_PREFIX}(\d+)-", name)
        if found and not Path(f"/proc/{found[1]}").exists():
            _delete(f"{_PREFIX}{found[1]}")


def _delete(own: str) -> None:
    """Delete the namespaces of one run; their cables go with them."""
    for name in _namespaces():
        if name.startswith(f"{own}-"):
            _ip("netns", "del", name)
    with suppress(subprocess.CalledProcessError):  # it goes with its other end, but a bit later
        _ip("link", "del", own)


def _namespaces() -> list[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True)
    return [line.split()[0] for line in listed.stdout.splitlines() if line]


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
