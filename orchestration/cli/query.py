"""`undertow sql`: one query, or a small shell, on the published file."""

from __future__ import annotations

import csv
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import duckdb

from orchestration.cli import console, reading
from orchestration.cli.mistakes import Failure, printable, say
from orchestration.publishing.published import Published

if TYPE_CHECKING:
    from orchestration.settings import Settings

SHOWN_ROWS = 200
_BATCH = 2048
_NUMERIC = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
_HELP = """\
End a statement with ;   It can span lines.
.tables            tables and views       .schema TABLE   columns and what they mean
.macros            ready-made questions   .reopen         go on with the newest published version
.quit              leave (or Ctrl-D)      .help           this"""

_TABLES = """
select schema_name || '.' || table_name as name, comment as description
from (
    select schema_name, table_name, comment from duckdb_tables() where not internal
    union all
    select schema_name, view_name, comment from duckdb_views() where not internal
)
order by all
"""
_COLUMNS = """
select column_name as name, data_type as type, comment as description
from duckdb_columns()
where schema_name || '.' || table_name = $1 or table_name = $1
order by schema_name, table_name, column_index
"""
_MACROS = "select function_name as name, comment as description from duckdb_functions() where not internal order by all"


def run_query(
    settings: Settings,
    sql: str,
    output: str,
    *,
    limit: int | None,
    allow_files: bool,
    published: Published | None = None,
) -> None:
    """Run one query and write its result.

    Args:
        settings: whose published file.
        sql: one or more statements; the result of the last is written.
        output: `table`, `csv` or `json`.
        limit: most rows of a table; None for all.
        allow_files: whether the query may read and write other files.
        published: the folder to read; the market's own if not given.

    Raises:
        Failure: there is nothing to query yet, or the query fails.
    """
    with (
        reading.open_published(settings, allow_files=allow_files, published=published) as connection,
        _interruptible(connection),
        _one_line(),
    ):
        connection.execute(sql)
        if output == "csv":
            _write_csv(connection)
        elif output == "json":
            _write_json(connection)
        else:
            _write_table(connection, limit)


def run_shell(settings: Settings, *, allow_files: bool, published: Published | None = None) -> None:
    """Read statements and write their results until the end of input.

    Raises:
        Failure: there is nothing to query yet.
    """
    Shell(settings, allow_files, published).run()


class Shell:
    """A read-eval loop on a published file.

    Args:
        settings: whose published file; the home keeps the history of what was typed.
        allow_files: whether queries may read and write other files.
        published: the folder to read; the market's own if not given.
    """

    def __init__(self, settings: Settings, allow_files: bool, published: Published | None = None) -> None:
        self._settings = settings
        self._published = published or Published(settings.published_path)
        self._history = settings.home / "sql_history"
        self._allow_files = allow_files
        self._is_interactive = sys.stdin.isatty()
        self._open()

    def run(self) -> None:
        """Until `.quit` or the end of input."""
        if self._is_interactive:
            title = reading.about(self._connection)["title"]
            newest = (reading.latest_print(self._connection) or {"date": "2025-11-04"})["date"]
            print(f"{printable(title)}: {self._published.database} (read-only). Try: from why('{newest}'); or .help")
        with self._remembering():
            while (statement := self._read()) is not None:
                if statement.startswith("."):
                    if not self._command(statement):
                        return
                elif statement.strip(" ;"):
                    self._query(statement)

    def _open(self) -> None:
        self._version = self._published.current()
        self._connection = reading.open_published(
            self._settings, allow_files=self._allow_files, published=self._published
        )

    def _reopen(self) -> None:
        newest = self._published.current()
        if newest is not None and self._version is not None and newest.name == self._version.name:
            print(f"{newest.name} is the newest version")
            return
        self._connection.close()
        self._open()

    def _read(self) -> str | None:
        """The next statement or command; None at the end of input."""
        lines: list[str] = []
        while True:
            try:
                prompt = ("undertow> " if not lines else "     ...> ") if self._is_interactive else ""
                line = input(prompt)
            except EOFError:
                # What was piped in need not end with a semicolon.
                return "\n".join(lines) or None
            except KeyboardInterrupt:
                print()
                lines = []
                continue
            if not lines and line.strip().startswith("."):
                return line.strip()
            lines.append(line)
            if line.rstrip().endswith(";"):
                return "\n".join(lines)

    def _command(self, line: str) -> bool:
        """Do what a dot command says; whether to go on."""
        name, *arguments = line.split()
        if name in (".quit", ".exit", ".q"):
            return False
        if name == ".tables":
            self._query(_TABLES)
        elif name == ".macros":
            self._query(_MACROS)
        elif name == ".schema" and arguments:
            self._query(_COLUMNS, [arguments[0]])
        elif name == ".reopen":
            self._reopen()
        else:
            print(_HELP)
        return True

    def _query(self, sql: str, parameters: Sequence[str] = ()) -> None:
        try:
            with _interruptible(self._connection):
                self._connection.execute(sql, parameters or None)
                _write_table(self._connection, SHOWN_ROWS)
        except KeyboardInterrupt:
            print("interrupted")
        except duckdb.Error as error:
            say(_said(error))
        newest = self._published.current()
        if self._is_interactive and newest and self._version and newest.name != self._version.name:
            print(f"version {newest.name} was published meanwhile: .reopen to read it")

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        """Line editing, and a history that outlives the shell, where the platform has them."""
        if not self._is_interactive:
            yield
            return
        try:
            import readline
        except ImportError:
            yield
            return
        try:
            readline.read_history_file(self._history)
        except OSError:
            pass  # The first time there is none.
        readline.set_history_length(1000)
        try:
            yield
        finally:
            try:
                self._history.parent.mkdir(parents=True, exist_ok=True)
                readline.write_history_file(self._history)
            except OSError as error:
                say(f"the history is not kept: {error.strerror or error}")


@contextmanager
def _interruptible(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let Ctrl-C end the query under way, as KeyboardInterrupt.

    Left to itself, DuckDB makes an ordinary error of a Ctrl-C, and then works the query's tasks off before it closes.
    """
    is_interrupted = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_interrupted
        if is_interrupted:
            raise KeyboardInterrupt  # The query has ended long since; it is the output that takes its time.
        is_interrupted = True
        connection.interrupt()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except duckdb.InterruptException:
        raise KeyboardInterrupt from None
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise Failure(_said(error)) from error


def _said(error: duckdb.Error) -> str:
    """DuckDB's message as one line, with what it allows here spelled out."""
    message = printable(str(error).partition("\n\nLINE")[0])
    if "file system operations are disabled" in message or "external extensions is disabled" in message:
        message += " (--files lets a query read and write files)"
    if "attached in read-only mode" in message:
        message += " (what is published is only read; `undertow refresh` makes the next version)"
    return message


def _header(connection: duckdb.DuckDBPyConnection) -> tuple[list[str], list[bool]]:
    description = connection.description or []
    return [column[0] for column in description], [str(column[1]).upper().endswith(_NUMERIC) for column in description]


def _batches(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[object, ...]]:
    while batch := connection.fetchmany(_BATCH):
        yield from batch


def _write_table(connection: duckdb.DuckDBPyConnection, limit: int | None) -> None:
    names, numeric = _header(connection)
    if not names:
        return
    rows = connection.fetchall() if limit is None else connection.fetchmany(limit)
    out = console.stdout()
    out.print(console.results(names, rows, numeric))
    if limit is not None and len(rows) == limit and (rest := sum(1 for _ in _batches(connection))):
        console.stderr().print(f"{limit} of {limit + rest} rows; --limit 0 shows all, --csv writes them to a file")


def _write_csv(connection: duckdb.DuckDBPyConnection) -> None:
    names, _ = _header(connection)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in _batches(connection):
        writer.writerow(["" if value is None else console.jsonable(value) for value in row])


def _write_json(connection: duckdb.DuckDBPyConnection) -> None:
    names, _ = _header(connection)
    sys.stdout.write("[")
    for position, row in enumerate(_batches(connection)):
        item = {name: console.jsonable(value) for name, value in zip(names, row, strict=True)}
        sys.stdout.write(f"{',' if position else ''}\n  {json.dumps(item, ensure_ascii=False, allow_nan=False)}")
    sys.stdout.write("\n]\n")
