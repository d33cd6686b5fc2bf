"""A plain worker whose page does not serve it, or answers late."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import unpack_alone, with_host_script

from pyodide_rtc.testing.browsers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def lonely(selenium_worker_module_scope: Any) -> Any:
    unpack_alone(selenium_worker_module_scope)
    return selenium_worker_module_scope


def refusal(lonely: Any) -> tuple[str, str, int]:
    """Open the host, which fails: the error's class and text, and how many proxies are left."""
    name, text, left = lonely.run_async("""
        from pyodide_rtc.browser import live_proxies, open_host
        try:
            await open_host()
        except Exception as caught:
            error = caught
        [type(error).__name__, str(error), live_proxies()]
    """)
    return name, text, left


def test_no_route_says_what_was_tried_and_what_to_do(lonely: Any) -> None:
    name, text, left = refusal(lonely)
    assert name == "BrowserUnsupportedError"
    assert "port: no answer within 0.5 s" in text
    assert "anywidget: not installed in the kernel" in text
    assert "broadcast: this is no notebook kernel" in text
    assert "labextension" in text
    assert "attachWorker(worker)" in text
    assert left == 0


ANSWER_TWICE = """
    window.ended = [];
    const { close } = MessagePort.prototype;
    MessagePort.prototype.close = function () {
        window.ended.push("port");
        close.call(this);
    };
    const answer = ({ data }) => {
        if (data?.pyodideRtc !== "hello") return;
        self.__worker.removeEventListener("message", answer);
        host.givePort(self.__worker, data, "first");
        host.givePort(self.__worker, data, "second");
    };
    self.__worker.addEventListener("message", answer);
"""


def test_a_second_answer_is_ended_on_the_page(lonely: Any) -> None:
    with_host_script(lonely, ANSWER_TWICE)
    lonely.run_async("""
        from pyodide_rtc.browser import open_host
        host = await open_host()
        None
    """)
    eventually(lambda: ended_ports(lonely) == 1, 5, "the second port is closed")
    result = lonely.run_async("""
        from pyodide_rtc.browser import live_proxies
        facts = await host.page.facts()
        await host.aclose()
        [host.page.route, facts.href != "", live_proxies()]
    """)
    assert result == ["first", True, 0]
    eventually(lambda: ended_ports(lonely) > 1, 5, "the first port is closed")


ANSWER_AS_AN_OLDER_PAGE = """
    window.postToWorker ??= Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...rest) {
        if (message?.pyodideRtc === "port") CHANGE;
        window.postToWorker.call(this, message, ...rest);
    };
    window.attached?.close();
    window.attached = host.attachWorker(self.__worker, "older");
"""
WITHOUT_OPEN = "message.operations = message.operations.filter((name) => name !== 'open')"


def test_a_page_that_knows_less_is_told_to_reload(lonely: Any) -> None:
    with_host_script(lonely, ANSWER_AS_AN_OLDER_PAGE.replace("CHANGE", WITHOUT_OPEN))
    name, text, left = refusal(lonely)
    assert name == "BrowserUnsupportedError"
    assert "(it does not know open)" in text
    assert "Reload the page" in text
    assert left == 0


def test_a_page_of_another_version_is_told_to_reload(lonely: Any) -> None:
    """Reproduces: a page that was open since before an update broke without a word."""
    with_host_script(lonely, ANSWER_AS_AN_OLDER_PAGE.replace("CHANGE", "delete message.version"))
    name, text, left = refusal(lonely)
    assert name == "BrowserUnsupportedError"
    assert "The page has version 0" in text
    assert "this wheel needs version 2" in text
    assert "Reload the page" in text
    assert left == 0


def ended_ports(lonely: Any) -> int:
    count: int = with_host_script(lonely, "return window.ended.length")
    return count
