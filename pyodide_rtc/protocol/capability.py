"""How peers of our own kind know each other: one extra key in announce and signal payloads.

A stock y-webrtc peer ignores keys that it does not know (wire.md section 7), so what stands under
`pyodideRtc` reaches only our own kind: `{"version": 1, "client": <client id of the document>}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_KEY = "pyodideRtc"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Capability:
    """What a peer of our own kind says of itself."""

    client_id: int


def encode_capability(capability: Capability) -> dict[str, object]:
    """Give the extra keys for `Announce` and `SignalMessage`."""
    return {_KEY: {"version": _VERSION, "client": capability.client_id}}


def decode_capability(extra: Mapping[str, object]) -> Capability | None:
    """Read the extra keys; None for a stock peer, or one that makes no sense."""
    value = extra.get(_KEY)
    if not isinstance(value, Mapping):
        return None
    client_id = value.get("client")
    if isinstance(client_id, float) and client_id.is_integer():
        client_id = int(client_id)  # lib0 has no other way for a large one
    return Capability(client_id) if type(client_id) is int else None
