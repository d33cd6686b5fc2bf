"""What `pyodide_rtc.testing` offers for tests without a browser, as its documentation shows it."""

from __future__ import annotations

import asyncio
import inspect
import textwrap

import pytest

import pyodide_rtc.testing
from pyodide_rtc.errors import ConfigError
from pyodide_rtc.testing import Network, peer_id_of, run_virtual


def test_the_example_of_its_documentation_is_two_rooms_in_ten_lines() -> None:
    text = inspect.getdoc(pyodide_rtc.testing) or ""
    example = "".join(line for line in text.splitlines(keepends=True) if line.startswith("    "))
    code = textwrap.dedent(example)
    assert "assert bob.state.n == 3" in code
    assert len(code.splitlines()) <= 8, "with the two imports these are ten lines"
    exec(compile(code, "example", "exec"), {"asyncio": asyncio, **vars(pyodide_rtc.testing)})


def test_a_host_is_one_kernel() -> None:
    async def main() -> None:
        network = Network()
        ada = network.host()
        room = ada.join("lesson", user="Ada")
        assert ada.join("lesson") is room, "joined again, as by a cell that is run twice"
        unnamed = ada.join()
        other = network.host().join("lesson", user="Bob")
        await asyncio.gather(room.until_synced(10), other.until_synced(10))
        assert unnamed.name == "demo", "the room of its address"
        assert [peer.peer_id for peer in room.peers] == [peer_id_of(other)]

    run_virtual(main())


def test_joining_refuses_what_a_notebook_is_refused() -> None:
    async def main() -> None:
        with pytest.raises(ConfigError, match=r"join\("):
            Network().host().join("")

    run_virtual(main())
