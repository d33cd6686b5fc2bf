"""One document in a room: what each link has of it, how links are compared, and its presence.

Knows no peer connection: `protocol.room_machine` brings connections and documents together.
"""
