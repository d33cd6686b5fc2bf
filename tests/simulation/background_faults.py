"""What fails in the background is logged, and nobody sees it: tests look there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.faults: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert record.exc_info is not None and record.exc_info[1] is not None
        self.faults.append(record.exc_info[1])


@contextmanager
def collected() -> Iterator[list[BaseException]]:
    """Collect what fails in the background and is none of our own errors."""
    logger, collector = logging.getLogger("pyodide_rtc.background"), _Collector()
    logger.addHandler(collector)
    try:
        yield collector.faults
    finally:
        logger.removeHandler(collector)
