"""What Ctrl-C does to a command that writes.

Killing the pipeline at any instant costs at most a re-run, so an interrupted command simply ends. Unwinding it instead
would not even work: DuckDB turns the interrupt into an ordinary error of the query under way, which then counts as one
dataset's failure, and the next connection to the same file waits for ever for the query to let go.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.cli.mistakes import say

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def ending_at_once() -> Iterator[None]:
    """End the process when it is interrupted or terminated, with exit code 128 + signal.

    The signals are blocked and a thread waits for them, because Dagster replaces signal handlers while a step runs. To
    be entered before anything that starts threads is imported: they inherit what is blocked.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield  # Windows: Ctrl-C raises KeyboardInterrupt as ever.
        return
    is_over = threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    waiting = threading.Thread(target=_wait, args=(is_over,), daemon=True, name="interrupts")
    waiting.start()
    try:
        yield
    finally:
        is_over.set()
        if waiting.ident is not None:
            signal.pthread_kill(waiting.ident, signal.SIGINT)
        waiting.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait(is_over: threading.Event) -> None:
    number = signal.sigwait(_SIGNALS)
    if is_over.is_set():
        return
    if sys.stderr.isatty():
        sys.stderr.write(f"{_SHOW_CURSOR}\n")
    say("interrupted; what was landed is kept, and the next run goes on from there")
    os._exit(128 + number)
