import asyncio

import pytest
from shared_lamp import share

from pyodide_rtc.testing import Network, run_virtual


def test_both_have_the_lamp():
    async def play():
        network = Network()
        ada, bob = (network.host().join("lesson", user=name) for name in ("Ada", "Bob"))
        hers, his = share(ada), share(bob)
        hers.is_on = True
        await asyncio.sleep(1)  # of virtual time: everything has arrived
        assert his.is_on

    run_virtual(play())


def test_it_is_switched_on_while_the_network_is_away():
    async def play():
        network = Network()
        homes = [network.host(), network.host()]
        hers, his = (share(home.join("lesson")) for home in homes)
        await asyncio.sleep(1)
        network.cut(homes[:1], homes[1:])
        hers.is_on = True
        await asyncio.sleep(60)
        assert not his.is_on
        network.heal()
        await asyncio.sleep(60)
        assert his.is_on

    run_virtual(play())


def test_a_lamp_gives_no_more_than_all_of_its_light():
    async def play():
        lamp = share(Network().host().join("lesson"))
        with pytest.raises(ValueError, match="1 to 100 percent"):
            lamp.dim(101)

    run_virtual(play())
