"""Performs what the protocol machines decide: owns timers, sockets, peer connections and a Doc.

Decides nothing. Knows the ports and pycrdt, not the browser.
"""
