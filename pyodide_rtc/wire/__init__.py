"""Encodes messages to bytes and JSON, and decodes them: y-webrtc's wire format, byte for byte.

Owns lib0's encoding, the frames of data and tab channels, awareness updates, the signaling frames
with their payload, and the envelope of password rooms. Must not know js, asyncio, clocks,
randomness or pycrdt; an update or a state vector is just bytes here, and AES-GCM is a port.

Every decoder takes a limit, and raises only ``DecodeError`` and ``MessageTooBigError``, whatever it
is given. An encoder raises ``LocalProtocolError`` for a value that it cannot express.

Notation of the Layout paragraphs: ``•`` joins, ``varUint``, ``varString`` and ``varUint8Array`` are
those of ``lib0``. docs/wire.md describes all that is y-webrtc's, docs/protocol.md what is ours.
"""
