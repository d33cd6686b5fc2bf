"""The negotiation with one peer, from the first signal to a data channel: states, events, table.

docs/negotiation.md explains the roles, and draws the table. `negotiation_steps` has the conditions
and the actions that the table names, and the state that they share. Source: y-webrtc's handling of
`signal` payloads (wire.md sections 2 and 5).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from pyodide_rtc.protocol.connections.capability import Capability
from pyodide_rtc.protocol.connections.negotiation_steps import RESTART_TIMEOUT_S, Details, Steps
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.effects import ConnectionEffect, PublishPayload
from pyodide_rtc.protocol.events import ChannelSide
from pyodide_rtc.snapshot import Obstacle
from pyodide_rtc.wire.signaling_frames import Candidate, Description, SignalMessage

CONNECT_TIMEOUT_S = 20.0
"""If no data channel is open after this time, there is no network path."""

ANSWER_TIMEOUT_S = 10.0
"""A peer that has not answered an offer after this time has gone."""


class State(enum.Enum):
    """Where the dealings with a peer stand."""

    IDLE = "no connection: nothing has begun, or all is closed"
    CALLING = "waiting for the answer to our offer"
    ANSWERED_OPEN = "waiting for a sign that the peer has taken our answer to its open offer"
    CONNECTING = "both descriptions are there; a network path is looked for"
    CONNECTED = "there is a network path"
    RESTARTING = "the path is lost; waiting for the answer to our ICE restart"
    RESTARTED = "the ICE restart is answered; a network path is looked for again"
    RECOVERED = "there is a network path, though our offer still waits for its answer"
    GONE = "the peer has not answered in time; it is dropped"
    FAILED = "there is no network path in any way; the peer is dropped, and told as a fault"


class Event(enum.Enum):
    """What can happen."""

    CALL = "we call the peer"
    OPEN_OFFER = "we answer the offer that the peer has made to all"
    OFFER = "the peer sends an offer"
    ANSWER = "the peer sends an answer"
    CANDIDATE = "the peer sends an ICE candidate"
    PATH_FOUND = "a data channel opens, or a lost network path is back"
    PATH_LOST = "the browser says that the network path is lost"
    TIMED_OUT = "the state has lasted too long"
    ANNOUNCE = "the peer announces itself: it may have lost its end of the connection"
    DOUBT_DUE = "what such an announce has put in doubt is not settled in time"


(
    IDLE, CALLING, ANSWERED_OPEN, CONNECTING, CONNECTED,
    RESTARTING, RESTARTED, RECOVERED, GONE, FAILED,
) = EVERY = tuple(State)  # fmt: skip
OFFERING: Final = (CALLING, RESTARTING, RECOVERED)  # our offer waits for its answer
UNHEARD: Final = (CALLING, ANSWERED_OPEN, RESTARTING)  # what we have sent may be lost
SEARCHING: Final = (CONNECTING, RESTARTED)  # the browsers look for a network path
DESCRIBED: Final = (CONNECTING, CONNECTED, RESTARTED)  # both descriptions are there
ALWAYS: Final = None
SAME: Final = None

Condition: TypeAlias = Callable[[Steps, Details], bool]
Action: TypeAlias = Callable[[Steps, Details], list[ConnectionEffect]]
Row: TypeAlias = tuple[State | tuple[State, ...], Condition | None, State | None, Action]

# The first row counts that has our state, and whose condition holds. If there is none, the event is
# ignored: in that state it changes nothing and does nothing.
# fmt: off
TABLE: Final[Mapping[Event, tuple[Row, ...]]] = {
    # states                        condition              next state     action
    Event.CALL: (
        (IDLE,                        ALWAYS,                CALLING,       Steps.call),
    ),
    Event.OPEN_OFFER: (
        (IDLE,                        ALWAYS,                ANSWERED_OPEN, Steps.answer_open),
    ),
    Event.OFFER: (
        (IDLE,                        ALWAYS,                CONNECTING,    Steps.answer_anew),
        (OFFERING,                    Steps.is_known_offer,  SAME,          Steps.pass_over),
        ((ANSWERED_OPEN, *SEARCHING), Steps.is_known_offer,  SAME,          Steps.answer_again),
        (CONNECTED,                   Steps.is_known_offer,  SAME,          Steps.add_what_is_new),
        (RESTARTING,                  Steps.is_another_end,  CONNECTING,    Steps.answer_anew),
        (OFFERING,                    Steps.keeps_own_offer, SAME,          Steps.turn_down_offer),
        ((CALLING, RECOVERED),        Steps.lacks_rollback,  CONNECTING,    Steps.give_way_anew),
        (CALLING,                     ALWAYS,                CONNECTING,    Steps.give_way),
        (RESTARTING,                  ALWAYS,                RESTARTED,     Steps.give_way),
        (RECOVERED,                   ALWAYS,                CONNECTED,     Steps.give_way),
        (ANSWERED_OPEN,               Steps.is_same_end,     CONNECTING,    Steps.answer_here),
        (DESCRIBED,                   Steps.is_same_end,     SAME,          Steps.answer_here),
        (SEARCHING,                   ALWAYS,                CONNECTING,    Steps.answer_retry),
        ((ANSWERED_OPEN, CONNECTED),  ALWAYS,                CONNECTING,    Steps.answer_anew),
    ),
    Event.ANSWER: (
        (CALLING,                     ALWAYS,                CONNECTING,    Steps.take_answer),
        (RESTARTING,                  Steps.is_same_end,     RESTARTED,     Steps.take_answer),
        (RECOVERED,                   ALWAYS,                CONNECTED,     Steps.take_answer),
        (DESCRIBED,                   Steps.took_offer_back, SAME,          Steps.note_answer),
        (EVERY,                       ALWAYS,                SAME,          Steps.pass_over),
    ),
    Event.CANDIDATE: (
        (EVERY,                       Steps.is_turned_down,  SAME,          Steps.pass_over),
        (ANSWERED_OPEN,               ALWAYS,                CONNECTING,    Steps.add_sign),
        (EVERY,                       Steps.is_in_offer,     SAME,          Steps.pass_over),
        ((IDLE, *OFFERING),           ALWAYS,                SAME,          Steps.keep_candidate),
        (DESCRIBED,                   ALWAYS,                SAME,          Steps.add_candidate),
    ),
    Event.PATH_FOUND: (
        ((ANSWERED_OPEN, *DESCRIBED), ALWAYS,                CONNECTED,     Steps.reset_tries),
        (OFFERING,                    ALWAYS,                RECOVERED,     Steps.reset_tries),
    ),
    Event.PATH_LOST: (
        ((CALLING, CONNECTING),       Steps.is_last_try,     FAILED,        Steps.pass_over),
        (CONNECTED,                   Steps.can_restart,     RESTARTING,    Steps.restart_ice),
        ((ANSWERED_OPEN, *OFFERING),  ALWAYS,                CALLING,       Steps.try_anew),
        (DESCRIBED,                   ALWAYS,                CALLING,       Steps.try_anew),
    ),
    Event.TIMED_OUT: (
        (UNHEARD,                     ALWAYS,                GONE,          Steps.pass_over),
        (CONNECTING,                  Steps.is_last_try,     FAILED,        Steps.pass_over),
        (SEARCHING,                   ALWAYS,                CALLING,       Steps.try_anew),
    ),
    Event.ANNOUNCE: (
        (UNHEARD,                     ALWAYS,                SAME,          Steps.doubt_soon),
        (SEARCHING,                   Steps.both_took_back,  SAME,          Steps.doubt_now),
        (SEARCHING,                   ALWAYS,                SAME,          Steps.doubt_later),
    ),
    Event.DOUBT_DUE: (
        ((CALLING, ANSWERED_OPEN),    ALWAYS,                SAME,          Steps.say_again),
        ((RESTARTING, *SEARCHING),    ALWAYS,                CALLING,       Steps.begin_anew),
    ),
}
# fmt: on

TIMEOUTS_S: Final[Mapping[State, float]] = {
    CALLING: ANSWER_TIMEOUT_S,
    ANSWERED_OPEN: ANSWER_TIMEOUT_S,
    CONNECTING: CONNECT_TIMEOUT_S,
    RESTARTING: RESTART_TIMEOUT_S,
    RESTARTED: RESTART_TIMEOUT_S,
}
"""How long a state may last, counted from the start of the attempt; other states have no limit."""


@dataclass(slots=True)
class Negotiation(Steps):
    """The negotiation with one peer: looks an event up in the table, and runs the action.

    Three things are the same in every state, and so are methods and no rows: publishing a signal,
    closing, and turning a token down.
    """

    state: State = IDLE

    @property
    def send_side(self) -> ChannelSide | None:
        """The data channel to send on: the agreed one, else the peer's, else ours; None if none."""
        sides: tuple[ChannelSide, ...] = ("agreed", "remote", "local")
        return next((side for side in sides if side in self.channels), None)

    @property
    def has_path(self) -> bool:
        """Whether there is a network path."""
        return self.state in (CONNECTED, RECOVERED)

    @property
    def obstacle(self) -> Obstacle:
        """What is in the way while no path is found."""
        if not self.has_address:
            return Obstacle.NO_ADDRESS_HERE
        return Obstacle.NO_PATH if self.peer_has_address else Obstacle.NO_ADDRESS_THERE

    @property
    def is_offering(self) -> bool:
        """Whether our offer waits for its answer."""
        return self.state in OFFERING

    @property
    def give_up_s(self) -> float | None:
        """When the attempt has taken too long; None while there is a path."""
        timeout_s = TIMEOUTS_S.get(self.state)
        return None if timeout_s is None else self.started_s + timeout_s

    @property
    def deadline_s(self) -> float | None:
        """When to give the attempt up, or to act on a doubt; None while there is a path."""
        give_up_s = self.give_up_s
        return None if give_up_s is None else earliest(give_up_s, self.doubt_due_s)

    def know(self, capability: Capability | None) -> None:
        """Keep the peer's capability; a stock peer has none."""
        self.is_own_kind = capability is not None
        self.peer_can_restart = capability is not None and capability.can_restart

    # Events.

    def offer(self) -> list[ConnectionEffect]:
        """Open a connection as initiator."""
        return self._on(Event.CALL, Details())

    def answer_open_offer(self, sdp: str, now_s: float) -> list[ConnectionEffect]:
        """Answer the peer's open offer; another peer may have been faster."""
        return self._on(Event.OPEN_OFFER, Details(now_s, sdp))

    def accept(
        self, message: SignalMessage, now_s: float, capability: Capability | None
    ) -> list[ConnectionEffect]:
        """Handle a signal of the peer, and the capability that came with it."""
        self.know(capability)
        self.has_spoken = True
        match message.signal:
            case Description(type="offer", sdp=sdp):
                return self._on(Event.OFFER, Details(now_s, sdp, message.token))
            case Description(sdp=sdp):
                return self._on(Event.ANSWER, Details(now_s, sdp, message.token))
            case Candidate() as candidate:
                details = Details(now_s, token=message.token, candidate=candidate)
                return self._on(Event.CANDIDATE, details)
            case _:  # renegotiation and media are not for data rooms
                return []

    def open_channel(self, side: ChannelSide, max_message_bytes: int) -> None:
        """A data channel is open: so there is a network path."""
        self.channels[side] = max_message_bytes
        self.find_path()

    def find_path(self) -> None:
        """There is a network path."""
        self._on(Event.PATH_FOUND, Details())

    def lose_path(self, now_s: float) -> list[ConnectionEffect]:
        """The network path is lost: try again. The state becomes FAILED after the last try."""
        return self._on(Event.PATH_LOST, Details(now_s))

    def time_out(self, now_s: float) -> list[ConnectionEffect]:
        """The attempt has taken too long: try again. The state may become GONE or FAILED."""
        return self._on(Event.TIMED_OUT, Details(now_s))

    def doubt(self, now_s: float) -> None:
        """The peer has announced itself during the negotiation: it may have lost its end of this.

        A stock peer that gets our offer while it still makes its own gives itself up, and announces
        itself. So does one that gets an answer to an offer that it has taken back meanwhile.
        """
        self._on(Event.ANNOUNCE, Details(now_s))

    def settle_doubt(self, now_s: float) -> list[ConnectionEffect]:
        """Make sure that the peer has its end of this: send our description again, or begin anew.

        A peer that still has its end ignores the same offer with the same token, and an answer to
        an open offer that it has accepted.
        """
        return self._on(Event.DOUBT_DUE, Details(now_s))

    def _on(self, event: Event, details: Details) -> list[ConnectionEffect]:
        for states, condition, next_state, action in TABLE[event]:
            is_here = self.state in states if isinstance(states, tuple) else self.state is states
            if is_here and (condition is None or condition(self, details)):
                effects = action(self, details)
                self.state = next_state or self.state
                return effects
        return []  # ignored

    # The same in every state.

    def publish(self, message: SignalMessage, now_s: float) -> list[ConnectionEffect]:
        """Publish a signal of ours, and keep it to be sent again."""
        self._sent.append(message)
        self._sent_s = now_s
        return [PublishPayload(message, self.url)]

    def token_for_signal(self) -> float:
        """Return the glare token that goes with our signals; the first call makes it."""
        if self.token is None:
            self.token = self.new_token()
        return self.token

    def turn_down(self, token: float | None) -> None:
        """Ignore candidates that come with this token: we turned its description down."""
        self._rejected_token = token

    def spare_offer(self) -> None:
        """Our end is lost: an offer that we have not answered counts as new if it comes again."""
        if not (self._has_answer or self._sent or self.channels):
            self.remote_session = None

    def close(self, *, is_gentle: bool = False) -> list[ConnectionEffect]:
        """Close the peer connection, if there is one."""
        self.state = IDLE
        return self._close_connection(is_gentle=is_gentle)
