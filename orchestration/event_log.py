"""Dagster's event log in SQLite, with its connections kept open.

The stock log makes a database engine, a connection and a checkpoint for every event. A build with some hundred asset
checks spends more time on that than dbt on building; here it costs about an eighth. Commits do not wait for the disk,
which in write-ahead mode risks the last events before a power cut and never the file.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy.pool import StaticPool

_KEPT_OPEN = 8


class EventLog(SqliteEventLogStorage):
    """Named in the dagster.yaml of every market's home. The files are those of the stock log, in the same place."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, sqlalchemy.Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> EventLog:
        return cls(config_value["base_dir"], inst_data)

    def has_table(self, table_name: str) -> bool:
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def delete_events(self, run_id: str) -> None:
        """Forget a run, and remove the file that held its events."""
        super().delete_events(run_id)
        with self._db_lock:
            self._close(run_id)
            self._initialized_dbs.discard(run_id)
            for suffix in ("", "-wal", "-shm"):
                try:
                    os.unlink(f"{self.path_for_shard(run_id)}{suffix}")
                except FileNotFoundError:
                    pass

    def dispose(self) -> None:
        with self._db_lock:
            for shard in list(self._engines):
                self._close(shard)
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        # The lock lets one thread at a time in, so one connection per file is enough.
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine(self, shard: str) -> sqlalchemy.Engine:
        if shard not in self._engines:
            engine = sqlalchemy.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=StaticPool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            sqlalchemy.event.listen(engine, "connect", _do_not_wait)
            self._engines[shard] = engine
        self._engines.move_to_end(shard)
        if len(self._engines) > _KEPT_OPEN:
            self._close(next(name for name in self._engines if name != INDEX_SHARD_NAME))
        return self._engines[shard]

    def _close(self, shard: str) -> None:
        engine = self._engines.pop(shard, None)
        if engine is not None:
            engine.dispose()


def _do_not_wait(connection: Any, _record: object) -> None:
    connection.execute("pragma synchronous = normal")
