"""A network switch whose every frame arrives that much later: what netem would do, without it.

    python delaying_switch.py DELAY_S FILE_DESCRIPTOR...

Each file descriptor is one of a TAP device, which is a machine's network card: what the machine
sends is read from it. The device has no offloads, so these are frames as they go over a cable, and
UDP (WebRTC's), TCP and multicast are late alike. The time that this process takes comes on top;
far_lan.py measures both.
"""

import os
import select
import sys
import time
from collections import deque
from contextlib import suppress

FRAME_BYTES = 65_536
IS_GROUP = 1
"""The bit in the first byte of a hardware address that is a group's."""


def main(delay_s: float, ports: list[int]) -> None:
    """Pass frames on until the process is ended."""
    way_to: dict[bytes, int] = {}  # by hardware address
    waiting: deque[tuple[float, int, bytes]] = (
        deque()
    )  # in the order of their times: all wait alike
    while True:
        pause_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        for port in select.select(ports, [], [], pause_s)[0]:
            # All that is there: else each frame costs a turn of this loop.
            with suppress(BlockingIOError):
                while frame := os.read(port, FRAME_BYTES):
                    due_s = time.monotonic() + delay_s
                    target, source = frame[:6], frame[6:12]
                    way_to[source] = port
                    known = None if target[0] & IS_GROUP else way_to.get(target)
                    others = [known] if known is not None else ports
                    waiting.extend((due_s, other, frame) for other in others if other != port)
        now_s = time.monotonic()
        while waiting and waiting[0][0] <= now_s:
            _, port, frame = waiting.popleft()
            with suppress(OSError):  # its machine is gone, or not up yet: frames may be lost
                os.write(port, frame)


if __name__ == "__main__":
    descriptors = [int(text) for text in sys.argv[2:]]
    for descriptor in descriptors:
        os.set_blocking(descriptor, False)
    with suppress(KeyboardInterrupt):
        main(float(sys.argv[1]), descriptors)
