"""The one thing that is read out of a session description: which connection it belongs to."""

from __future__ import annotations


def session_of(sdp: str) -> str | None:
    """Give the session id, which all descriptions of one end of a peer connection share.

    An offer with the session id of the description before restarts ICE or adds media; one with
    another id comes from a new connection.

    Source: RFC 8866 section 5.2 (`o=<username> <sess-id> <sess-version> ...`), RFC 8829 5.2.2.
    """
    for line in sdp.splitlines():
        if line.startswith("o="):
            fields = line.split()
            return fields[1] if len(fields) > 1 else None
    return None
