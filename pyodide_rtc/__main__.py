"""`python -m pyodide_rtc` is the command `pyodide-rtc`."""

import sys

from pyodide_rtc.server.cli import main

if __name__ == "__main__":
    sys.exit(main())
