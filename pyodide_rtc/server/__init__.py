"""The signaling server, on CPython (extra ``server``): ``pyodide-rtc serve``.

In Python: ``async with pyodide_rtc.server.app.serve() as server``. ``relay`` is the protocol and
knows no socket; ``connection`` is one client's socket; ``static_files`` is the optional site;
``app`` puts them on a port; ``cli`` is the command.
"""
