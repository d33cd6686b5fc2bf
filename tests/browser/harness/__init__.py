"""What browser tests stand on: browsers, served sites, notebooks, and waiting without sleeping.

- `browsers`: Chromium and Firefox by selenium, each with a fresh profile.
- `site`: serve a folder on an origin of its own; open a JupyterLite notebook and run cells.
- `waiting`: `eventually(...)`.
"""
