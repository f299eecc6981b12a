"""How work reports its progress to a person.

Landing, dbt and publishing call an `Observer`; they neither know nor care who looks. The default looks away, the
command line draws it, and a Dagster run writes it to its log.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sources.dataset import Window


class Observer:
    """Looks away. Override what is of interest; every call is made from the thread that does the work."""

    def waiting(self, reason: str) -> None:
        """Work stands still until somebody else is done."""

    def dataset_started(self, table: str, window_count: int) -> None:
        """`window_count` windows of a dataset are about to be asked for; 0 if it is up to date."""

    def window_landed(self, table: str, number: int, window_count: int, window: Window, row_count: int) -> None:
        """Window `number` of `window_count` is in the warehouse, with `row_count` new or changed rows."""

    def dataset_finished(self, table: str, status: str, row_count: int, seconds: float, error: str | None) -> None:
        """All windows of a dataset were tried; `row_count` rows are new or changed."""

    def build_started(self, node_count: int) -> None:
        """dbt is about to run `node_count` models, seeds and tests."""

    def node_finished(self, name: str, number: int, node_count: int, status: str) -> None:
        """dbt is done with the `number`-th node."""

    def build_finished(self, status: str, seconds: float) -> None:
        """dbt is done: `built`, `failed` or `unchanged`."""

    def published(self, path: Path, table_count: int, row_count: int) -> None:
        """The marts can be read at `path`."""

    def not_published(self, reason: str) -> None:
        """Readers keep what they have."""


class LogObserver(Observer):
    """Writes one line per event that an operator would want to find in a log."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log

    def waiting(self, reason: str) -> None:
        self._log.info(reason)

    def dataset_started(self, table: str, window_count: int) -> None:
        if window_count:
            self._log.info(f"{table}: {window_count} window{'s' if window_count > 1 else ''} to fetch")

    def window_landed(self, table: str, number: int, window_count: int, window: Window, row_count: int) -> None:
        if window_count > 1:
            self._log.info(f"{table}: window {number} of {window_count}, {window}: {row_count} new or changed rows")

    def dataset_finished(self, table: str, status: str, row_count: int, seconds: float, error: str | None) -> None:
        self._log.info(f"{table}: {status}, {row_count} new or changed rows in {seconds:.1f} s")

    def build_started(self, node_count: int) -> None:
        self._log.info(f"dbt: {node_count} nodes to run")

    def node_finished(self, name: str, number: int, node_count: int, status: str) -> None:
        if status in ("error", "fail", "warn"):
            self._log.warning(f"dbt: {name}: {status}")

    def build_finished(self, status: str, seconds: float) -> None:
        self._log.info(f"dbt: {status} in {seconds:.1f} s")

    def published(self, path: Path, table_count: int, row_count: int) -> None:
        self._log.info(f"published {table_count} tables, {row_count} rows: {path}")

    def not_published(self, reason: str) -> None:
        self._log.info(f"not published: {reason}")
