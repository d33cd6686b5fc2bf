"""What we read out of a session description: the session id, and the candidates."""

from __future__ import annotations


def session_of(sdp: str) -> str | None:
    """Return the session id, which all descriptions of one end of a peer connection share.

    An offer with the session id of the description before restarts ICE or adds media; one with
    another id comes from a new connection.

    Source: RFC 8866 section 5.2 (`o=<username> <sess-id> <sess-version> ...`), RFC 8829 5.2.2.
    """
    for line in sdp.splitlines():
        if line.startswith("o="):
            fields = line.split()
            return fields[1] if len(fields) > 1 else None
    return None


def same_but_candidates(one: str, other: str) -> bool:
    """Return whether two descriptions differ at most in their candidates.

    Source: RFC 8866 section 5.2: the version in `o=` changes with the description; browsers add
    candidates without.
    """
    origins = [[line for line in sdp.splitlines() if line.startswith("o=")] for sdp in (one, other)]
    return one == other or (origins[0] == origins[1] != [])


def candidates_of(sdp: str) -> list[str]:
    """Return the ICE candidates in a description, as `RTCIceCandidate.candidate` has them.

    Source: RFC 8839 section 5.1 (`a=candidate:...`).
    """
    return [line[2:] for line in sdp.splitlines() if line.startswith("a=candidate:")]


def new_candidates(sdp: str, known: str) -> list[str]:
    """Return the candidates of a description that an earlier state of it did not have."""
    before = set(candidates_of(known))
    return [candidate for candidate in candidates_of(sdp) if candidate not in before]
