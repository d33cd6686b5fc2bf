"""One document in a room: what it has, what each link has of it, and who shows themselves in it.

Knows no peer connection: `protocol.room_machine` brings connections and documents together.
"""
