"""Widgets that people share. `Room.share` shares any ipywidget; here is what is made for sharing.

Importing this needs ipywidgets, which nothing else of pyodide-rtc does.
"""
