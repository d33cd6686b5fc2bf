"""Machines far from each other: network namespaces, joined by a switch that takes its time.

As `harness.netns`, but for the switch: netem is not in every kernel. It is a process here
(delaying_switch.py), and each machine's network card a TAP device. Needs root and Linux.
"""

from __future__ import annotations

import fcntl
import os
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from harness.netns import Lan, Machine, why_no_namespaces

_SWITCH = Path(__file__).with_name("delaying_switch.py")
_TUN = Path("/dev/net/tun")
_TUNSETIFF = 0x400454CA
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000  # frames of Ethernet, without four bytes before each


def why_no_far_lan() -> str | None:
    """Say why this machine cannot have such a network; None if it can."""
    if why := why_no_namespaces():
        return why
    return None if os.access(_TUN, os.R_OK | os.W_OK) else f"it needs {_TUN}"


@contextmanager
def open_far_lan(*names: str, delay_s: float) -> Iterator[Lan]:
    """Make a network of machines with these names; all is gone at the end.

    Args:
        names: of machines; one more, with the servers, is this one.
        delay_s: what each way between any two of them takes.
    """
    own = f"pyrtc{os.getpid()}"
    net = f"10.77.{os.getpid() % 250}"
    with ExitStack() as stack:
        machines, taps = {}, [stack.enter_context(_tap(own))]
        _plug_in(own, f"{net}.1")
        for number, name in enumerate(names, 2):
            namespace, card = f"{own}-{name}", f"{own}t{number}"
            _ip("netns", "add", namespace)
            stack.callback(_ip, "netns", "del", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
            taps.append(stack.enter_context(_tap(card)))
            _ip("link", "set", card, "netns", namespace)
            _plug_in(card, f"{net}.{number}", "-n", namespace)
            # A default route, as everybody has: Chromium finds its own address by it.
            _ip("-n", namespace, "route", "add", "default", "via", f"{net}.1")
            machines[name] = Machine(namespace, card, namespace, f"{net}.{number}")
        command = [sys.executable, str(_SWITCH), str(delay_s), *map(str, taps)]
        switch = subprocess.Popen(command, pass_fds=taps)
        stack.callback(switch.wait, timeout=10)
        stack.callback(switch.terminate)
        yield Lan(f"{net}.1", machines)


def round_trip_s(machine: Machine) -> float:
    """Measure the way from here to a machine and back, by connecting to where nobody listens."""

    def once() -> float:
        start_s = time.monotonic()
        with suppress(ConnectionRefusedError):
            socket.create_connection((machine.address, 9), timeout=5)
        return time.monotonic() - start_s

    return statistics.median(once() for _ in range(20))


@contextmanager
def _tap(name: str) -> Iterator[int]:
    """Make a TAP device; it is there as long as somebody has its file descriptor."""
    descriptor = os.open(_TUN, os.O_RDWR)
    try:
        request = struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI)
        fcntl.ioctl(descriptor, _TUNSETIFF, request)
        yield descriptor
    finally:
        os.close(descriptor)


def _plug_in(card: str, address: str, *there: str) -> None:
    _ip(*there, "address", "add", f"{address}/24", "dev", card)
    # A long queue: a page's files come as one burst, and none of it is to be lost here.
    _ip(*there, "link", "set", card, "txqueuelen", "10000", "up")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
