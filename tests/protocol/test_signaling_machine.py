from __future__ import annotations

import json

import pytest

from pyodide_rtc.errors import (
    DecodeError,
    SignalingClosedError,
    SignalingError,
    SignalingUnavailableError,
)
from pyodide_rtc.protocol.signaling_machine import (
    CHECK_PATIENCE_S,
    CONNECT_TIMEOUT_S,
    MAX_FRAME_CHARS,
    PING_INTERVAL_S,
    SILENCE_TIMEOUT_S,
    CloseSocket,
    Deliver,
    OpenSocket,
    Probe,
    SendText,
    ServerState,
    SignalingEffect,
    SignalingMachine,
    TellFault,
    TellOpened,
    reconnect_delay_s,
    refused_delay_s,
    socket_pause_s,
)
from pyodide_rtc.snapshot import SOCKETS_REFUSED

URL = "wss://relay.example.org/"
PONG = '{"type":"pong"}'


@pytest.fixture
def machine() -> SignalingMachine:
    return SignalingMachine(URL, lambda: 0.0)


@pytest.fixture
def opened(machine: SignalingMachine) -> SignalingMachine:
    """Open since second 0, with the topic `t`."""
    machine.subscribe("t", 0.0)
    machine.on_open(0.0)
    return machine


def published(topic: str, data: object) -> str:
    return json.dumps({"type": "publish", "topic": topic, "data": data, "clients": 2})


def sent(effects: list[SignalingEffect]) -> list[object]:
    return [json.loads(e.text) for e in effects if isinstance(e, SendText)]


def fault(effects: list[SignalingEffect]) -> Exception:
    [error] = [e.error for e in effects if isinstance(e, TellFault)]
    return error


class TestSubscribing:
    def test_the_first_topic_opens_the_socket(self, machine: SignalingMachine) -> None:
        assert machine.subscribe("a", 0.0) == [OpenSocket()]
        assert machine.subscribe("b", 0.0) == []
        assert machine.state is ServerState.CONNECTING

    def test_all_topics_go_in_one_frame_at_the_opening(self, machine: SignalingMachine) -> None:
        machine.subscribe("a", 0.0)
        machine.subscribe("b", 0.0)

        assert machine.on_open(1.0) == [
            SendText('{"type":"subscribe","topics":["a","b"]}'),
            TellOpened(("a", "b")),
        ]
        assert machine.state is ServerState.OPEN

    def test_a_later_topic_is_subscribed_alone(self, opened: SignalingMachine) -> None:
        assert opened.subscribe("b", 1.0) == [
            SendText('{"type":"subscribe","topics":["b"]}'),
            TellOpened(("b",)),
        ]

    def test_a_topic_that_is_taken_over_is_not_subscribed_twice(
        self, machine: SignalingMachine
    ) -> None:
        machine.subscribe("t", 0.0)
        assert machine.subscribe("t", 0.0) == []
        machine.on_open(0.0)

        assert machine.subscribe("t", 1.0) == [TellOpened(("t",))]
        assert machine.topics == ("t",)
        assert machine.unsubscribe("t")[-1] == CloseSocket()

    def test_unsubscribing_one_of_two_tells_the_server(self, opened: SignalingMachine) -> None:
        opened.subscribe("b", 0.0)

        assert opened.unsubscribe("b") == [SendText('{"type":"unsubscribe","topics":["b"]}')]
        assert opened.topics == ("t",)

    def test_unsubscribing_before_the_opening_sends_nothing(
        self, machine: SignalingMachine
    ) -> None:
        machine.subscribe("a", 0.0)
        machine.subscribe("b", 0.0)

        assert machine.unsubscribe("a") == []
        assert sent(machine.on_open(1.0)) == [{"type": "subscribe", "topics": ["b"]}]

    def test_the_last_topic_closes_the_socket_and_stops_the_clock(
        self, opened: SignalingMachine
    ) -> None:
        assert opened.unsubscribe("t") == [CloseSocket()]
        assert opened.state is ServerState.CLOSED
        assert opened.deadline_s is None
        assert opened.on_time(1000.0) == []
        assert opened.subscribe("t", 1000.0) == [OpenSocket()], "and it may open again"


class TestFrames:
    def test_publishing_needs_an_open_server(self, machine: SignalingMachine) -> None:
        machine.subscribe("t", 0.0)
        assert machine.publish("t", {"x": 1}) == []
        machine.on_open(0.0)

        assert machine.publish("t", {"x": 1}) == [
            SendText('{"type":"publish","topic":"t","data":{"x":1}}')
        ]

    def test_what_is_published_is_delivered_to_its_topic_only(
        self, opened: SignalingMachine
    ) -> None:
        assert opened.on_text(published("t", {"x": 1}), 1.0) == [Deliver("t", {"x": 1})]
        assert opened.on_text(published("other", {"x": 1}), 1.0) == []

    @pytest.mark.parametrize(
        "text", ["", "<html>502</html>", "[]", "{}", '{"type":"publish"}', '{"type":"ping"}']
    )
    def test_a_frame_that_makes_no_sense_is_told_and_passed_over(
        self, opened: SignalingMachine, text: str
    ) -> None:
        error = fault(opened.on_text(text, 1.0))

        assert isinstance(error, SignalingError)
        assert isinstance(error.__cause__, DecodeError)
        assert URL in str(error)
        assert opened.state is ServerState.OPEN
        assert opened.on_text(published("t", 1), 1.0) == [Deliver("t", 1)]

    def test_a_frame_over_the_limit_is_told_and_passed_over(self, opened: SignalingMachine) -> None:
        error = fault(opened.on_text("x" * (MAX_FRAME_CHARS + 1), 1.0))

        assert str(MAX_FRAME_CHARS) in str(error)
        assert opened.state is ServerState.OPEN


class TestKeepingAlive:
    def test_a_ping_goes_15_s_after_the_opening_and_after_each_pong(
        self, opened: SignalingMachine
    ) -> None:
        assert opened.on_time(14.9) == []
        assert opened.on_time(15.0) == [SendText('{"type":"ping"}')]
        assert opened.on_text(PONG, 16.0) == []
        assert opened.deadline_s == 31.0
        assert opened.on_time(31.0) == [SendText('{"type":"ping"}')]

    def test_silence_of_30_s_closes_and_reconnects(self, opened: SignalingMachine) -> None:
        opened.on_time(15.0)
        assert opened.deadline_s == 30.0
        assert opened.on_time(29.9) == []
        effects = opened.on_time(30.0)

        assert effects[0] == CloseSocket()
        assert isinstance(fault(effects), SignalingClosedError)
        assert opened.state is ServerState.WAITING
        assert opened.deadline_s is not None
        assert opened.on_time(opened.deadline_s) == [OpenSocket()]

    def test_the_deadline_of_silence_is_kept_whatever_the_rounding(
        self, machine: SignalingMachine
    ) -> None:
        machine.subscribe("t", 0.0)
        for i in range(200):
            machine.on_open(i / 7)
            for _ in range(2):
                assert machine.deadline_s is not None
                effects = machine.on_time(machine.deadline_s)
                assert effects != []
            assert machine.state is ServerState.WAITING

    def test_any_frame_is_a_sign_of_life(self, opened: SignalingMachine) -> None:
        opened.on_time(15.0)
        opened.on_text(published("other", 1), 20.0)

        assert opened.on_time(30.0) == []
        assert opened.deadline_s == 50.0
        assert isinstance(fault(opened.on_time(50.0)), SignalingClosedError)

    def test_a_ping_is_not_repeated_while_its_pong_is_due(self, opened: SignalingMachine) -> None:
        opened.on_text(published("t", 1), 14.0)
        assert sent(opened.on_time(15.0)) == [{"type": "ping"}]
        opened.on_text(published("t", 1), 40.0)

        assert opened.on_time(44.0) == []

    def test_a_new_socket_owes_no_pong(self, opened: SignalingMachine) -> None:
        opened.on_time(15.0)
        opened.on_close("gone", 16.0)
        opened.on_time(17.0)
        opened.on_open(17.0)

        assert opened.on_time(32.0) == [SendText('{"type":"ping"}')]


class TestWaking:
    def test_who_waits_tries_at_once(self, machine: SignalingMachine) -> None:
        machine.subscribe("t", 0.0)
        machine.on_close("refused", 0.0)

        assert machine.wake(0.1) == [OpenSocket()]
        assert machine.wake(0.2) == [], "it is being opened"

    def test_an_attempt_that_hangs_is_made_anew(self, machine: SignalingMachine) -> None:
        # Begun before the network was away: TCP may wait for 8 s until it asks again.
        machine.subscribe("t", 0.0)

        assert machine.wake(6.0) == [CloseSocket(), OpenSocket()]
        assert machine.deadline_s == 6.0 + CONNECT_TIMEOUT_S

    def test_a_check_asks_only_who_is_open(self, opened: SignalingMachine) -> None:
        assert sent(opened.check(5.0)) == [{"type": "ping"}]
        opened.on_close("gone", 6.0)

        assert opened.check(6.0) == [], "its time comes anyway"

    def test_a_server_that_answers_is_kept(self, opened: SignalingMachine) -> None:
        assert sent(opened.wake(5.0)) == [{"type": "ping"}]
        assert opened.deadline_s == 5.0 + CHECK_PATIENCE_S
        opened.on_text(PONG, 6.0)

        assert opened.deadline_s == 6.0 + PING_INTERVAL_S
        assert opened.on_time(5.0 + CHECK_PATIENCE_S) == []

    def test_any_frame_is_a_sign_of_life(self, opened: SignalingMachine) -> None:
        opened.wake(5.0)
        opened.on_text(published("t", 1), 6.0)

        assert opened.on_time(5.0 + CHECK_PATIENCE_S) == []
        assert opened.deadline_s == 6.0 + SILENCE_TIMEOUT_S

    def test_a_server_that_does_not_is_given_up(self, opened: SignalingMachine) -> None:
        opened.wake(5.0)

        effects = opened.on_time(5.0 + CHECK_PATIENCE_S)

        assert effects[0] == CloseSocket()
        assert "silent for 3 s" in str(fault(effects))
        assert opened.state is ServerState.WAITING


class TestBeingPutAway:
    def test_the_socket_is_closed_until_it_is_over(self, opened: SignalingMachine) -> None:
        assert opened.put_away() == [CloseSocket()]

        assert (opened.state, opened.reason) == (ServerState.WAITING, "the page is put away")
        assert opened.deadline_s is None
        assert opened.on_time(1e6) == []
        assert opened.publish("t", {}) == []
        assert opened.subscribe("u", 7.0) == [], "it is subscribed then"
        assert opened.wake(1e6) == [OpenSocket()]

    def test_a_server_that_nobody_wants_is_left_alone(self, machine: SignalingMachine) -> None:
        assert machine.put_away() == []
        assert machine.state is ServerState.CLOSED


class TestReconnecting:
    def test_the_delay_grows_up_to_2_5_s(self) -> None:
        delays = [reconnect_delay_s(n) for n in (1, 2, 3, 6, 7, 10**6)]

        assert delays == pytest.approx([0.3, 0.45, 0.675, 2.2781, 2.5, 2.5], abs=1e-4)

    def test_jitter_takes_up_to_a_half_off(self) -> None:
        assert reconnect_delay_s(100, 0.5) == pytest.approx(1.875)
        assert reconnect_delay_s(100, 1.0) == pytest.approx(1.25)

    @pytest.mark.parametrize(("outage_s", "attempts"), [(3, 6), (20, 15), (60, 36)])
    def test_an_outage_sees_few_attempts(self, outage_s: float, attempts: int) -> None:
        now_s, tried = 0.0, 0
        while now_s < outage_s:
            tried += 1
            now_s += reconnect_delay_s(tried, 0.5)

        assert tried == pytest.approx(attempts, abs=1)

    def test_each_client_has_its_own_jitter(self) -> None:
        made = SignalingMachine(URL, lambda: 1.0)
        made.subscribe("t", 0.0)
        made.on_close("refused", 0.0)

        assert made.deadline_s == pytest.approx(reconnect_delay_s(1) / 2)

    def test_a_server_that_cannot_be_reached_is_tried_ever_more_rarely(
        self, machine: SignalingMachine
    ) -> None:
        machine.subscribe("t", 0.0)
        now_s, waits = 0.0, []
        for attempt in range(1, 4):
            error = fault(machine.on_close("refused", now_s))
            assert isinstance(error, SignalingUnavailableError)
            assert (error.url, error.reason, error.attempt) == (URL, "refused", attempt)
            assert machine.state is ServerState.WAITING
            assert machine.reason == "refused"
            assert machine.deadline_s is not None
            waits.append(machine.deadline_s - now_s)
            now_s = machine.deadline_s
            assert machine.on_time(now_s - 0.01) == []
            assert machine.on_time(now_s) == [Probe() if attempt >= 2 else OpenSocket()]

        assert waits == sorted(waits)
        assert waits[0] < waits[-1]

    def test_an_opening_forgets_the_failures(self, machine: SignalingMachine) -> None:
        machine.subscribe("t", 0.0)
        machine.on_close("refused", 0.0)
        machine.on_time(1.0)
        machine.on_open(1.0)

        assert (machine.failures, machine.reason) == (0, "")

    def test_after_a_close_everything_is_subscribed_again(self, opened: SignalingMachine) -> None:
        opened.subscribe("b", 0.0)
        assert isinstance(fault(opened.on_close("restart", 5.0)), SignalingClosedError)
        assert opened.publish("t", 1) == []
        opened.on_time(6.0)

        assert opened.on_open(6.0) == [
            SendText('{"type":"subscribe","topics":["t","b"]}'),
            TellOpened(("t", "b")),
        ]

    def test_a_socket_that_does_not_open_is_given_up(self, machine: SignalingMachine) -> None:
        machine.subscribe("t", 0.0)
        assert machine.on_time(CONNECT_TIMEOUT_S - 0.1) == []
        effects = machine.on_time(CONNECT_TIMEOUT_S)

        assert effects[0] == CloseSocket()
        assert isinstance(fault(effects), SignalingUnavailableError)
        assert machine.state is ServerState.WAITING


class TestProbing:
    """Browsers hold the sockets of a page back, the more of them have failed."""

    def test_the_pause_of_sockets_doubles_up_to_75_s(self) -> None:
        pauses = [socket_pause_s(n) for n in (1, 2, 3, 8, 9, 10**6)]

        assert pauses == pytest.approx([0.3, 0.6, 1.2, 38.4, 75.0, 75.0])

    @pytest.mark.parametrize(
        ("outage_s", "sockets", "probes"), [(3, 3, 5), (20, 6, 12), (600, 15, 244)]
    )
    def test_an_outage_sees_few_sockets_and_many_probes(
        self, machine: SignalingMachine, outage_s: float, sockets: int, probes: int
    ) -> None:
        machine.subscribe("t", 0.0)
        seen: list[SignalingEffect] = [OpenSocket(), *machine.on_close("", 0.0)]
        machine.on_probed(False, 0.0)
        while machine.deadline_s is not None and machine.deadline_s < outage_s:
            now_s = machine.deadline_s
            effects = machine.on_time(now_s)
            if effects == [OpenSocket()]:
                effects += machine.on_close("", now_s)
            seen += effects
            machine.on_probed(False, now_s)

        assert (seen.count(OpenSocket()), seen.count(Probe())) == (sockets, probes)

    def probing(self, machine: SignalingMachine) -> SignalingMachine:
        """Let a socket fail without a word at second 1; so its cause is looked for."""
        machine.subscribe("t", 0.0)
        assert machine.on_close("", 1.0) == [Probe()]
        assert (machine.state, machine.reason) == (ServerState.CONNECTING, ""), "it goes on"
        return machine

    def test_what_answers_gets_a_socket(self, machine: SignalingMachine) -> None:
        assert self.probing(machine).on_probed(True, 1.4) == [OpenSocket()]
        assert machine.deadline_s == 1.4 + CONNECT_TIMEOUT_S

    def test_what_does_not_is_a_failed_attempt(self, machine: SignalingMachine) -> None:
        error = fault(self.probing(machine).on_probed(False, 1.4))

        assert isinstance(error, SignalingUnavailableError)
        assert error.attempt == 1
        assert machine.state is ServerState.WAITING
        assert machine.reason == "nothing answers at its address"

    def test_what_the_browser_says_of_a_socket_is_told(self, machine: SignalingMachine) -> None:
        machine.subscribe("t", 0.0)

        assert "SecurityError" in str(fault(machine.on_close("SecurityError: no", 1.0)))
        assert machine.reason == "SecurityError: no"

    def test_a_cause_is_news_once_in_an_outage(self, machine: SignalingMachine) -> None:
        def told(effects: list[SignalingEffect]) -> list[bool]:
            return [effect.is_news for effect in effects if isinstance(effect, TellFault)]

        assert told(self.probing(machine).on_probed(False, 1.0)) == [True]
        for now_s in (2.0, 3.0, 5.0, 10.0):
            if machine.on_time(now_s) == [OpenSocket()]:
                machine.on_close("", now_s)
            assert told(machine.on_probed(False, now_s)) == [False]
        machine.on_time(20.0)
        machine.on_open(20.0)
        assert told(machine.on_close("", 30.0)) == [True]
        assert machine.reason == "the connection was lost"

    def test_a_probe_without_an_answer_is_given_up(self, machine: SignalingMachine) -> None:
        effects = self.probing(machine).on_time(1.0 + CONNECT_TIMEOUT_S)

        assert effects[0] == CloseSocket()
        assert isinstance(fault(effects), SignalingUnavailableError)

    def test_who_wakes_opens_a_socket_instead(self, machine: SignalingMachine) -> None:
        assert self.probing(machine).wake(5.0) == [CloseSocket(), OpenSocket()]

    def test_who_is_put_away_ends_it(self, machine: SignalingMachine) -> None:
        assert self.probing(machine).put_away() == [CloseSocket()]

    def test_an_opening_ends_the_pause(self, machine: SignalingMachine) -> None:
        self.probing(machine).on_probed(True, 1.4)
        machine.on_open(1.5)
        machine.on_close("restart", 10.0)

        assert machine.on_time(10.29) == []
        assert machine.on_time(10.3) == [OpenSocket()]


class TestRefusedSockets:
    """The address answers requests, and no WebSocket passes: a proxy is in the way."""

    def refused(self, machine: SignalingMachine, now_s: float) -> list[SignalingEffect]:
        """Let one attempt be answered by HTTP, and its socket fail."""
        if machine.state is ServerState.CLOSED:
            machine.subscribe("t", now_s)
            assert machine.on_close("", now_s) == [Probe()]
        else:
            assert machine.on_time(now_s) == [Probe()], "a socket alone would not tell why"
        assert machine.on_probed(True, now_s) == [OpenSocket()]
        return machine.on_close("", now_s)

    def test_it_is_told_once(self, machine: SignalingMachine) -> None:
        assert SOCKETS_REFUSED in str(fault(self.refused(machine, 0.0)))
        assert machine.reason == SOCKETS_REFUSED
        assert machine.deadline_s is not None
        [told] = self.refused(machine, machine.deadline_s)

        assert isinstance(told, TellFault)
        assert not told.is_news

    def test_attempts_slow_down_to_one_in_10_s(self, machine: SignalingMachine) -> None:
        self.refused(machine, 0.0)
        attempts_s = [0.0]
        while machine.deadline_s is not None and machine.deadline_s < 60:
            attempts_s.append(machine.deadline_s)
            self.refused(machine, machine.deadline_s)

        assert len([at_s for at_s in attempts_s if at_s < 20]) == 6
        assert attempts_s[-1] - attempts_s[-2] == pytest.approx(10.0)
        assert refused_delay_s(10, 1.0) == 5.0, "chance takes up to a half off"

    def test_one_that_does_not_answer_any_more_is_away(self, machine: SignalingMachine) -> None:
        self.refused(machine, 0.0)
        machine.on_time(5.0)

        assert "nothing answers" in str(fault(machine.on_probed(False, 5.0)))

    def test_it_is_over_with_the_first_socket(self, machine: SignalingMachine) -> None:
        self.refused(machine, 0.0)
        machine.on_time(5.0)
        machine.on_probed(True, 5.0)
        machine.on_open(5.0)

        assert (machine.state, machine.reason) == (ServerState.OPEN, "")
