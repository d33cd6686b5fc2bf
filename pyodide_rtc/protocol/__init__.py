"""What to do: state machines for signaling, negotiation, the mesh, presence and sync.

Each machine is fed events and answers with effects, both frozen dataclasses; the session performs
the effects and decides nothing. Time, randomness and identities come in as arguments. This layer
knows the wire, and neither js, asyncio, the clock nor pycrdt.
"""
