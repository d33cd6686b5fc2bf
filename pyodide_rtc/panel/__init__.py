"""The panel of a room: what `Room.panel` shows, and the dialog of the status item with it.

Python describes the room (model.py). One script draws that (panel.js), in a notebook by anywidget
(widget.py) and in the application by the labextension. Where no script can run, it is HTML
(html.py). feed.py sends it on, as long as somebody looks.
"""
