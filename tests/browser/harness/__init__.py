"""What browser tests stand on: `pyodide_rtc.testing.browsers`, and what only this project needs.

Browsers, people with notebooks, the server and `eventually` are those that others test with. Ours
are the demo site, documents that are edited together, networks, other machines and faults.
"""
