"""Who is here, and how they are reached: peer connections, the tab channel, and their links.

Knows no document: `protocol.room_machine` brings connections and documents together.
"""
