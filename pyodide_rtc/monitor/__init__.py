"""The monitor of a room: what `Room.monitor` shows of its traffic, latency and sync.

history.py keeps the last five minutes, while somebody looks. model.py says what they mean, as
numbers and words. One script draws that (monitor.js), in a notebook by anywidget (widget.py), with
uPlot. Where no script can run, it is text and HTML (text.py).
"""
