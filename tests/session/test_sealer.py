from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from pyodide_rtc.errors import (
    BrowserUnsupportedError,
    DecodeError,
    RtcError,
)
from pyodide_rtc.ports import Sealed
from pyodide_rtc.session import sealer as module
from pyodide_rtc.session.sealer import PasswordSealer, PlainSealer
from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.wire.envelope import to_text


class SlowKey:
    """A key whose first operations take longest, so that without a queue they would come last."""

    def __init__(self, password: str = "secret") -> None:
        self._key = Network().host().machine.crypto.derive_key(password, "room")
        self._wait_s = 8.0

    def encrypt(self, plain: bytes, done: Callable[[Sealed | RtcError], None]) -> None:
        self._later(lambda: self._key.encrypt(plain, done))

    def decrypt(
        self, iv: bytes, ciphertext: bytes, done: Callable[[bytes | RtcError], None]
    ) -> None:
        self._later(lambda: self._key.decrypt(iv, ciphertext, done))

    def close(self) -> None:
        self._key.close()

    def _later(self, step: Callable[[], None]) -> None:
        self._wait_s /= 2
        asyncio.get_running_loop().call_later(self._wait_s, step)


class NoKey:
    """A key that cannot be made."""

    def encrypt(self, _plain: bytes, done: Callable[[Sealed | RtcError], None]) -> None:
        error = BrowserUnsupportedError("no crypto.subtle", "worker", "Serve the page by https.")
        asyncio.get_running_loop().call_later(1, done, error)

    def decrypt(
        self, _iv: bytes, ciphertext: bytes, done: Callable[[bytes | RtcError], None]
    ) -> None:
        self.encrypt(ciphertext, done)

    def close(self) -> None:
        pass


class Ends:
    """What a sealer gives: results and faults."""

    def __init__(self, password: str = "secret") -> None:
        self.results: list[object] = []
        self.strangers: list[str] = []
        self.faults: list[RtcError] = []
        self.sealer = PasswordSealer(SlowKey(password), self.strangers.append, self.faults.append)

    async def seal(self, payload: dict[str, object], frame: bytes) -> tuple[str, bytes]:
        """What travels of a payload and of a frame."""
        texts: list[object] = []
        frames: list[bytes] = []
        self.sealer.seal_frame(frame, frames.append)
        self.sealer.seal_payload(payload, texts.append)
        await self.sealer.aclose()
        [text], [sealed] = texts, frames
        assert isinstance(text, str)
        return text, sealed


def test_without_password_everything_passes_at_once() -> None:
    async def main() -> None:
        strangers: list[str] = []
        plain, results = PlainSealer(strangers.append), []
        plain.seal_payload({"x": 1}, results.append)
        plain.open_payload({"x": 2}, results.append)
        plain.seal_frame(b"a", results.append)
        plain.open_frame(b"b", results.append)
        await plain.aclose()
        assert results == [{"x": 1}, {"x": 2}, b"a", b"b"]
        assert strangers == []

    run_virtual(main())


def test_what_is_sealed_is_opened_and_in_between_not_readable() -> None:
    async def main() -> None:
        sender, receiver = Ends(), Ends()
        text, frame = await sender.seal({"sdp": "text"}, b"a frame of bytes")
        assert "text" not in text
        assert b"frame" not in frame

        receiver.sealer.open_payload(text, receiver.results.append)
        receiver.sealer.open_frame(frame, receiver.results.append)
        await receiver.sealer.aclose()
        assert receiver.results == [b"a frame of bytes", {"sdp": "text"}], "each when it is ready"

    run_virtual(main())


def test_all_keeps_its_order_however_long_each_takes() -> None:
    async def main() -> None:
        sender, receiver = Ends(), Ends()
        for i in range(6):
            sender.sealer.seal_frame(bytes([i]), sender.results.append)
        await sender.sealer.aclose()
        for frame in sender.results:
            assert isinstance(frame, bytes)
            receiver.sealer.open_frame(frame, receiver.results.append)
        await receiver.sealer.aclose()
        assert receiver.results == [bytes([i]) for i in range(6)]

    run_virtual(main())


def test_what_goes_to_servers_does_not_wait_for_what_goes_to_tabs() -> None:
    async def main() -> None:
        ends = Ends()
        ends.sealer.seal_frame(b"x", ends.results.append)
        ends.sealer.seal_payload({"x": 1}, ends.results.append)
        await ends.sealer.aclose()
        assert [type(result) for result in ends.results] == [str, bytes]

    run_virtual(main())


def test_another_password_is_told_and_the_next_frame_read() -> None:
    async def main() -> None:
        right, wrong, receiver = Ends(), Ends("other"), Ends()
        for sender in (wrong, right):
            text, frame = await sender.seal({"x": 1}, b"x")
            receiver.sealer.open_frame(frame, receiver.results.append)
            receiver.sealer.open_payload(text, receiver.results.append)
        await receiver.sealer.aclose()

        assert receiver.results == [{"x": 1}, b"x"]
        assert (
            receiver.strangers == ["somebody is in a room of this name with another password"] * 2
        )
        assert receiver.faults == []

    run_virtual(main())


def test_what_is_not_sealed_is_told_and_the_next_frame_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_SEALED_BYTES", 1000)

    async def main() -> None:
        ends = Ends()
        ends.sealer.open_payload({"type": "announce"}, ends.results.append)
        ends.sealer.open_payload("no base64!", ends.results.append)
        ends.sealer.open_frame(b"\x00\x00\x01\x00", ends.results.append)
        ends.sealer.open_frame(b"x" * 2000, ends.results.append)
        ends.sealer.seal_frame(b"x", ends.results.append)
        await ends.sealer.aclose()

        assert len(ends.strangers) == 4
        assert all("without a password" in reason for reason in ends.strangers)
        assert len(ends.results) == 1

    run_virtual(main())


def test_nonsense_under_the_right_key_is_a_fault() -> None:
    async def main() -> None:
        sender, receiver = Ends(), Ends()
        sender.sealer.seal_frame(b"\xff no value", sender.results.append)
        await sender.sealer.aclose()
        [frame] = sender.results
        assert isinstance(frame, bytes)
        receiver.sealer.open_payload(to_text(frame), receiver.results.append)
        await receiver.sealer.aclose()

        assert receiver.strangers == receiver.results == []
        assert [type(f) for f in receiver.faults] == [DecodeError]

    run_virtual(main())


def test_without_password_what_is_encrypted_is_a_strangers() -> None:
    async def main() -> None:
        text, frame = await Ends().seal({"x": 1}, b"x")
        strangers: list[str] = []
        results: list[object] = []
        plain = PlainSealer(strangers.append)
        plain.open_frame(frame, results.append)
        plain.open_payload(text, results.append)

        assert results == []
        assert (
            strangers
            == ["somebody is in a room of this name with a password, and we have none"] * 2
        )

    run_virtual(main())


def test_a_key_that_cannot_be_made_is_told_once_and_leaving_does_not_hang() -> None:
    async def main() -> None:
        sealed = (await Ends().seal({"x": 1}, b"x"))[1]
        results: list[bytes] = []
        faults: list[RtcError] = []
        sealer = PasswordSealer(NoKey(), lambda _: None, faults.append)
        sealer.seal_frame(b"x", results.append)
        sealer.open_frame(sealed, results.append)
        async with asyncio.timeout(60):
            await sealer.aclose()
        assert [type(f) for f in faults] == [BrowserUnsupportedError]
        assert results == []

    run_virtual(main())


def test_more_than_may_be_under_way_wait_and_all_come() -> None:
    async def main() -> None:
        ends = Ends()
        frames = [bytes([i]) for i in range(3 * module.MAX_UNDER_WAY)]
        for frame in frames:
            ends.sealer.seal_frame(frame, ends.results.append)
        await asyncio.sleep(0.1)
        assert ends.results == [], "the first takes longest"
        await ends.sealer.aclose()
        assert len(ends.results) == len(frames)

    run_virtual(main())


def test_what_fails_with_a_result_does_not_hold_up_the_others() -> None:
    async def main() -> None:
        ends = Ends()

        def fail(_frame: bytes) -> None:
            raise ZeroDivisionError

        ends.sealer.seal_frame(b"x", fail)
        ends.sealer.seal_frame(b"y", ends.results.append)
        await ends.sealer.aclose()
        assert [type(fault.__cause__) for fault in ends.faults] == [ZeroDivisionError]
        assert len(ends.results) == 1

    run_virtual(main())


def test_after_closing_the_key_is_silent() -> None:
    async def main() -> None:
        key = Network().host().machine.crypto.derive_key("secret", "room")
        await PasswordSealer(key, lambda _: None, lambda _: None).aclose()
        results: list[object] = []
        key.encrypt(b"x", results.append)
        await asyncio.sleep(60)
        assert results == []

    run_virtual(main())
