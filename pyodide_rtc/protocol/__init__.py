"""All decisions: state machines for signaling, negotiation, the mesh, presence and sync.

Each machine is fed events and returns effects; both are frozen dataclasses. The session performs
the effects and decides nothing. Time, randomness and identities come in as arguments. This layer
knows the wire. It must not know js, asyncio, the clock or pycrdt.
"""
