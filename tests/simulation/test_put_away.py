"""A page that is put away and shown again, with a stock peer at the other end."""

from __future__ import annotations

import asyncio

import pytest
from pycrdt import Map
from seeds import seeds

from pyodide_rtc.testing import Network, run_virtual

from .play_helpers import TOPIC, URL, put_away
from .stock_peer import StockPeer

# As clocks go its tokens are lower than those of offers that are made later: hosts in memory have
# one time for all.
EARLIER = 1_699_999_999_999.0


@pytest.mark.parametrize("seed", seeds(10))
@pytest.mark.parametrize("heard_s", [0.0, 0.05, 0.2])
def test_a_stock_peer_is_met_again(seed: int, heard_s: float) -> None:
    """The kernel hears of it at once, or only after it has begun with what is dead."""

    async def play() -> None:
        network = Network(seed=seed)
        host = network.host()
        room = host.join()
        stock = StockPeer(network.host(), URL, TOPIC, EARLIER)
        await room.until_synced(10)
        await asyncio.sleep(5)
        put_away(host, heard_s=heard_s)
        room.map("m")["ours"] = 1
        stock.doc.get("m", type=Map)["theirs"] = 2
        await asyncio.sleep(20)
        assert not any(conn.is_connected for conn in stock.conns.values())
        host.wake()
        await asyncio.sleep(5)

        assert room.synced, room.why
        both = {"ours": 1, "theirs": 2}
        assert room.map("m").to_py() == stock.doc.get("m", type=Map).to_py() == both

    run_virtual(play())
