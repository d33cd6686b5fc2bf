from __future__ import annotations

from pyodide_rtc.protocol.document.claims import MAX_CLIENTS, Claims


def test_the_furthest_of_all_links_counts() -> None:
    claims = Claims()
    claims.take(1, [(7, 3), (8, 5)])
    claims.take(1, [(7, 2)])
    claims.take(2, [(7, 9)])
    assert claims.ends == {7: 9, 8: 5}
    claims.end(2, 0.0)
    assert claims.ends == {7: 3, 8: 5}
    claims.replace(1, [(9, 1)])
    assert claims.ends == {9: 1}
    claims.end(3, 0.0)  # which has said nothing
    assert claims.ends == {9: 1}


def test_a_link_is_believed_of_so_many_clients_only() -> None:
    claims = Claims()
    claims.take(1, ((client, 1) for client in range(1_000_000)))
    claims.take(1, [(5, 2), (2_000_000, 1)])
    assert len(claims.ends) == MAX_CLIENTS
    assert claims.ends[5] == 2
    claims.end(1, 0.0)
    assert claims.ends == {}


def test_with_grace_a_claim_outlives_its_link_for_a_while() -> None:
    claims = Claims(grace_s=10.0)
    claims.take(1, [(7, 3)])
    claims.end(1, 100.0)
    claims.expire(109.0)
    assert claims.ends == {7: 3}
    claims.expire(110.0)
    assert claims.ends == {}
    claims.take(2, [(7, 3)])
    claims.end(2, 200.0)
    claims.clear()
    claims.expire(300.0)
    assert claims.ends == {}
