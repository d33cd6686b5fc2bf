"""What JavaScript throws becomes an error of this package."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_javascript_exceptions_become_typed(page: Any) -> None:
    result = page.run_async("""
        from pyodide.code import run_js
        from pyodide.ffi import JsException
        from pyodide_rtc.browser.ffi import raised_as
        from pyodide_rtc.errors import BridgeError
        sentences = []
        for wrong in ("new WebSocket('nonsense://x')", "null.x", "document.createElement('')"):
            fail = run_js("() => " + wrong)
            reject = run_js("async () => " + wrong)
            for call in (fail, reject):
                try:
                    with raised_as(BridgeError):
                        await call()
                except BridgeError as error:
                    assert isinstance(error.__cause__, JsException)
                    sentences.append(str(error))
        [sentence.split(":")[0] for sentence in sentences]
    """)
    assert result == ["SyntaxError"] * 2 + ["TypeError"] * 2 + ["InvalidCharacterError"] * 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("QuotaExceededError", "QuotaExceededError"),
        ("NS_ERROR_DOM_QUOTA_REACHED", "QuotaExceededError"),
        ("QUOTA_EXCEEDED_ERR", "QuotaExceededError"),
        ("SecurityError", "StorageError"),
    ],
)
def test_storage_refusals_become_typed(page: Any, name: str, kind: str) -> None:
    result = page.run(f"""
        from pyodide_rtc.browser.ffi import storage_error
        error = storage_error({name!r}, "sentence")
        [type(error).__name__, str(error)]
    """)
    assert result == [kind, f"{name}: sentence"]
