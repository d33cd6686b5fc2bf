"""Rooms in real browsers, for tests: by Selenium, with a site that is built for them.

Public, for your own tests; pip install 'pyodide-rtc[test]' brings what it needs, and a plugin for
pytest whose fixtures use it: `jupyterlite_site`, `signaling_server`, `two_browsers`,
`rtc_room_pair`, `selenium_rtc`. Most tests need no name of this module but `CellError`:

    def test_both_have_it(rtc_room_pair):
        ada, bob = rtc_room_pair
        ada.run("room.state.n = 3")
        bob.eventually("room.state.get('n')", 3)
"""

from pyodide_rtc.testing.browsers.drivers import CHROMIUM_FLAGS, open_browser
from pyodide_rtc.testing.browsers.errors import (
    BrowserMissingError,
    CellError,
    NotJsonError,
    SiteError,
)
from pyodide_rtc.testing.browsers.person import Person
from pyodide_rtc.testing.browsers.server import SignalingServer, serve_site
from pyodide_rtc.testing.browsers.site import SiteOptions, build_site
from pyodide_rtc.testing.browsers.waiting import eventually

__all__ = [
    "CHROMIUM_FLAGS",
    "BrowserMissingError",
    "CellError",
    "NotJsonError",
    "Person",
    "SignalingServer",
    "SiteError",
    "SiteOptions",
    "build_site",
    "eventually",
    "open_browser",
    "serve_site",
]


def __dir__() -> list[str]:
    return sorted(__all__)  # what completes code would show inner modules among it
