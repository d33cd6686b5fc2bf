"""How peers of our own kind know each other: by one extra key in announce and signal payloads.

A stock y-webrtc peer ignores keys that it does not know (wire.md section 7). So only our own kind
reads what stands under `pyodideRtc`: `{"version": 1, "client": <client id of the document>}`. In an
announce `"offer": <SDP>` may follow, an open offer for the first peer that answers it, and in such
an answer `"answers": <session id of that SDP>`. A home without ICE restart adds
`"iceRestart": false`. Who leaves and may come back with the same peer id adds `"mayReturn": true`.
If its browser makes no peer connections, it adds `"webRtc": false` as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_KEY = "pyodideRtc"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Capability:
    """What a peer of our own kind says of itself.

    Args:
        client_id: the client id of its main document.
        can_restart: whether its connections live through ICE restarts, as those of browsers do.
    """

    client_id: int
    can_restart: bool = True


def encode_capability(
    capability: Capability,
    *,
    open_offer: str | None = None,
    answers: str | None = None,
    may_return: bool = False,
    has_webrtc: bool = True,
) -> dict[str, object]:
    """Return the extra keys for `Announce` and `SignalMessage`.

    Args:
        capability: what we say of ourselves.
        open_offer: the SDP of an offer for the first peer that answers it.
        answers: the session id of the open offer that is answered.
        may_return: whether we leave, and may come back as the same peer.
        has_webrtc: whether our browser makes peer connections.
    """
    said: dict[str, object] = {"version": _VERSION, "client": capability.client_id}
    if not capability.can_restart:
        said["iceRestart"] = False
    if open_offer is not None:
        said["offer"] = open_offer
    if answers is not None:
        said["answers"] = answers
    if may_return:
        said["mayReturn"] = True
    if not has_webrtc:
        said["webRtc"] = False
    return {_KEY: said}


def decode_capability(extra: Mapping[str, object]) -> Capability | None:
    """Read the extra keys; None for a stock peer, or one that makes no sense."""
    said = _said(extra)
    client_id = said.get("client")
    if isinstance(client_id, float) and client_id.is_integer():
        client_id = int(client_id)  # lib0 encodes large integers as floats
    if type(client_id) is not int:
        return None
    return Capability(client_id, can_restart=said.get("iceRestart") is not False)


def open_offer_of(extra: Mapping[str, object]) -> str | None:
    """Read the open offer of an announce of our own kind: its SDP."""
    return _text(extra, "offer")


def answered_session_of(extra: Mapping[str, object]) -> str | None:
    """Read which open offer a signal of our own kind answers: its session id."""
    return _text(extra, "answers")


def may_return(extra: Mapping[str, object]) -> bool:
    """Read whether a peer that leaves may come back as the same peer."""
    return _said(extra).get("mayReturn") is True


def lacks_webrtc(extra: Mapping[str, object]) -> bool:
    """Read whether the browser of a peer makes no peer connections."""
    return _said(extra).get("webRtc") is False


def _text(extra: Mapping[str, object], key: str) -> str | None:
    value = _said(extra).get(key)
    return value if isinstance(value, str) else None


def _said(extra: Mapping[str, object]) -> Mapping[str, object]:
    said = extra.get(_KEY)
    return said if isinstance(said, Mapping) else {}
