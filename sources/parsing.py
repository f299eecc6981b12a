"""Reading what providers send, none of which is trusted.

Every parser goes the same way: bytes become a frame of text (`table` for JSON, `read_csv` for CSV), and `shape` casts
that frame to the declared columns. Casting fails on text that is not a number, on infinities and on dates outside this
century, so garbage is `Malformed` and never a null. JSON numbers are kept as their text until then, which makes
providers that send a number today and a string tomorrow all the same.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn

import polars as pl
import polars.selectors as cs

from sources.dataset import UTC, Body
from sources.errors import Malformed
from sources.http import excerpt

MAX_UNPACKED_BYTES = 512 * 1024 * 1024

_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_SHA256 = re.compile(r"([0-9a-fA-F]{64})(\s|$)")


def decode_json(body: Body) -> Any:
    """The JSON document in a body, with numbers as the text they were sent as.

    Raises:
        Malformed: it is something else, such as an HTML page or half a document.
    """
    try:
        return json.loads(body.text(), parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except ValueError as error:
        kind = "an HTML page" if body.content[:64].lstrip()[:1] == b"<" else "not JSON"
        raise Malformed(f"the answer is {kind} ({error}): {excerpt(body)!r}", body=body) from None
    except RecursionError:
        raise Malformed("the answer is JSON nested beyond all reason", body=body) from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def rows_of(value: Any, body: Body) -> list[dict[str, Any]]:
    """`value` as a list of JSON objects.

    Raises:
        Malformed: it is not one.
    """
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Malformed(f"expected a list of objects: {excerpt(body)!r}", body=body)
    return value


def table(
    rows: Sequence[Mapping[str, Any]],
    body: Body,
    *,
    fields: Collection[str],
    flags: Collection[str] = (),
    optional: Collection[str] = (),
    unused: Collection[str] = (),
) -> pl.DataFrame:
    """JSON objects as a frame of text: the named fields, then every field nobody has named, as JSON text.

    Args:
        rows: objects as `decode_json` gives them.
        body: for errors.
        fields: scalar fields; each row must have them, a value may be null.
        flags: the same, for true and false.
        optional: those of `fields` and `flags` that rows may lack.
        unused: fields that are known and left out.

    Raises:
        Malformed: a field is missing, or holds something else than declared.
    """
    series = []
    for name in (*fields, *flags):
        values = [row.get(name) for row in rows]
        if name not in optional and not all(name in row for row in rows):
            raise Malformed(f"field {name} is missing", body=body)
        dtype = pl.Boolean if name in flags else pl.String
        try:
            series.append(pl.Series(name, values, dtype=dtype, strict=True))
        except TypeError:
            kind = "true or false" if name in flags else "text or a number"
            raise Malformed(f"field {name} holds something else than {kind}", body=body) from None
    named = {*fields, *flags, *unused}
    for name in dict.fromkeys(name for row in rows for name in row if name not in named):
        texts = [None if row.get(name) is None else _as_text(row[name]) for row in rows]
        series.append(pl.Series(name, texts, dtype=pl.String))
    return pl.DataFrame(series)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_csv(content: bytes, body: Body, *, columns: Sequence[str]) -> pl.DataFrame:
    """CSV with or without a heading as a frame of text without leading blanks; a blank cell is null.

    Args:
        content: the text; may differ from the body's, which may be an archive.
        body: for errors.
        columns: the names by position, for a file without heading; further columns are called by their position.
            Whether there is a heading is decided by the first character: data begin with a digit or a sign.

    Raises:
        Malformed: it is not CSV, or a file without heading has too few columns.
    """
    has_heading = not re.match(rb"\s*[-+]?[0-9]", content)
    if content.lstrip()[:1] == b"<":
        raise Malformed(f"expected CSV, got markup: {excerpt(body)!r}", body=body)
    with _as_malformed(body):
        frame = pl.read_csv(content, has_header=has_heading, infer_schema=False)
    if has_heading:
        frame = frame.rename(str.strip)
    elif frame.width < len(columns):
        raise Malformed(f"{frame.width} columns without a heading, expected {len(columns)}", body=body)
    else:
        further = range(len(columns) + 1, frame.width + 1)
        frame.columns = [*columns, *(f"column_{position}" for position in further)]
    # Only some files have leading blanks, and stripping every cell of every file takes as long as reading it.
    if b" " in content and frame.height and any(frame.select(pl.all().str.starts_with(" ").any()).row(0)):
        frame = frame.with_columns(pl.all().str.strip_chars().replace("", None))
    return frame


def complete_lines(body: Body) -> str:
    """The text of a CSV whose last line is whole: a cut-off figure is a figure, too, and nothing else tells it.

    Where the text does not end with a line end, the last line has to be as complete as the one above it: as many
    cells, and no fewer decimals in the last of them.

    Raises:
        Malformed: the text is cut off, or has no lines.
    """
    text = body.text()
    if text.endswith("\n"):
        return text
    *_, above, last = ["", "", *text.splitlines()]
    decimals = [len(line.rpartition(",")[2].partition(".")[2]) for line in (above, last)]
    if not last or last.count(",") != above.count(",") or decimals[1] < decimals[0]:
        raise Malformed(f"the answer is cut off or no CSV: {excerpt(body)!r}", body=body)
    return text


def shape(
    frame: pl.DataFrame,
    body: Body,
    columns: Mapping[str, pl.Expr],
    *,
    nullable: Collection[str] = (),
    unused: Collection[str] = (),
) -> pl.DataFrame:
    """Declared columns computed from upstream ones, followed by the upstream columns that nothing has used.

    Args:
        frame: upstream columns as text.
        body: for errors.
        columns: an expression for every declared column, see `number`, `whole`, `day`, `instant`.
        nullable: declared columns that may hold nulls.
        unused: upstream columns that are known and left out.

    Raises:
        Malformed: an upstream column is missing, a value does not convert, is infinite, lies outside this century, or
            is blank where it may not be.
    """
    used = {name for expression in columns.values() for name in expression.meta.root_names()}
    if missing := sorted(used - set(frame.columns)):
        raise Malformed(f"upstream columns are missing: {', '.join(missing)}", body=body)
    novelties = [name for name in frame.columns if name not in used and name not in unused]
    with _as_malformed(body):
        shaped = frame.select(
            *(expression.alias(name) for name, expression in columns.items()),
            *(pl.col(name).alias(name if name not in columns else f"upstream_{name}") for name in novelties),
        )
    _check(shaped, {*nullable, *shaped.columns[len(columns) :]}, body)
    return shaped


def _check(frame: pl.DataFrame, nullable: Collection[str], body: Body) -> None:
    for name, count in zip(frame.columns, frame.null_count().row(0), strict=True):
        if count and name not in nullable:
            raise Malformed(f"column {name} is blank in {count} of {frame.height} rows", body=body)
    # One query for all columns: a query of its own for each costs more than reading a small file.
    figures, times = cs.float(), cs.date() | cs.datetime()
    # Asked by year, because Python has no dates for what comes of seconds that are milliseconds.
    is_sound = frame.select(figures.is_finite().all(), times.dt.year().is_between(_FIRST_YEAR, _LAST_YEAR).all())
    for name in is_sound.columns:
        if is_sound[name][0]:
            continue
        if frame.schema[name] == pl.Float64:
            raise Malformed(f"column {name} holds a value that is not finite", body=body)
        years = frame[name].dt.year()
        span = f"{years.min()!s} to {years.max()!s}"
        raise Malformed(f"column {name} runs from {span}: has the unit of time changed?", body=body)


@contextmanager
def _as_malformed(body: Body) -> Iterator[None]:
    try:
        yield
    except pl.exceptions.PolarsError as error:
        # Polars adds advice to programmers below the first line.
        raise Malformed(str(error).strip().partition("\n")[0] or "does not parse", body=body) from None


def number(name: str) -> pl.Expr:
    """The text column `name` as Float64; what is not a number is an error."""
    return pl.col(name).cast(pl.Float64, strict=True)


def whole(name: str) -> pl.Expr:
    """The text column `name` as Int64; a fraction is an error."""
    return pl.col(name).cast(pl.Int64, strict=True)


def day(name: str) -> pl.Expr:
    """The text column `name`, written `YYYY-MM-DD`, as Date."""
    text = pl.col(name)
    # A cut-off day such as 2025-12-3 would otherwise read as the third.
    padded = pl.when(text.str.len_chars() >= 10).then(text).otherwise(pl.lit("cut off: ") + text)
    return padded.str.to_date("%Y-%m-%d", strict=True, exact=True)


def instant(name: str, unit: str) -> pl.Expr:
    """The text column `name`, whole seconds (`s`), milliseconds (`ms`) or microseconds (`us`) of unix time, in UTC."""
    return _from_unix(whole(name), {"s": 1_000_000, "ms": 1_000, "us": 1}[unit])


def stamps(rows: Sequence[Mapping[str, Any]], body: Body, field: str) -> list[datetime]:
    """The millisecond stamps of a page, for paging: its other fields are the parser's, which reads the page once more.

    Raises:
        Malformed: a row has none, or it is no stamp.
    """
    alone = [{name: row[name] for name in (field,) if name in row} for row in rows]
    return shape(table(alone, body, fields=(field,)), body, {"at": instant(field, "ms")})["at"].to_list()


def instant_of_either_unit(name: str) -> pl.Expr:
    """The same for a column in milliseconds or microseconds, told apart by size: they differ by a thousand years."""
    stamp = whole(name)
    is_ms = stamp.abs() < 10**14
    return pl.when(is_ms).then(_from_unix(stamp, 1_000)).otherwise(_from_unix(stamp, 1))


def instant_of_text(name: str) -> pl.Expr:
    """The text column `name`, written `YYYY-MM-DD HH:MM:SS` in UTC, as UTC datetime."""
    return pl.col(name).str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", time_zone="UTC", strict=True)


def _from_unix(stamp: pl.Expr, microseconds_each: int) -> pl.Expr:
    # Clipped to the year 5138, because an overflow would wrap round to some instant that may look right.
    limit = 10**17 // microseconds_each
    return (stamp.clip(-limit, limit) * microseconds_each).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def check_candles(frame: pl.DataFrame, body: Body, opened: str, highest: str, lowest: str, closed: str) -> None:
    """Check that every candle reaches from its lowest to its highest price.

    For candles whose figures go by their position: where there is one more than there used to be, this tells one that
    was appended from one that was put in between.

    Raises:
        Malformed: a candle opens, closes or peaks outside its range.
    """
    inside = [pl.col(name).is_between(pl.col(lowest), pl.col(highest)) for name in (opened, closed)]
    if not frame.select(pl.all_horizontal(inside).all()).item():
        raise Malformed("a candle lies outside its own range: have the columns been moved?", body=body)


def ended_days(frame: pl.DataFrame, column: str, body: Body) -> pl.DataFrame:
    """Rows of days that were over when the body was retrieved: today's figure is not a day's figure yet."""
    return frame.filter(pl.col(column) < body.retrieved_at.astimezone(UTC).date())


def unzip(body: Body) -> bytes:
    """The one file in a zipped body, after its checksum companion, if the provider published one, agrees.

    Raises:
        Malformed: the checksum differs, it is not a zip of exactly one file, or the file is damaged or too large.
    """
    for companion in body.companions:
        if companion.status == 200:
            _verify(body, companion)
    with opened_zip(body) as archive:
        members = archive.infolist()
        if len(members) != 1 or members[0].is_dir():
            raise Malformed(f"the zip holds {len(members)} entries, expected one file", body=body)
        # The declared size comes from the sender, so the real one is limited as well.
        if members[0].file_size > MAX_UNPACKED_BYTES:
            raise _too_large(body)
        with archive.open(members[0]) as member:
            content = member.read(MAX_UNPACKED_BYTES + 1)
    if len(content) > MAX_UNPACKED_BYTES:
        raise _too_large(body)
    return content


@contextmanager
def opened_zip(body: Body) -> Iterator[zipfile.ZipFile]:
    """The zip in a body; whoever reads its members limits what they unpack to.

    Raises:
        Malformed: it is not a zip, or what is read of it is damaged, encrypted or packed in an unknown way.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body.content)) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # NotImplementedError is a packing method that zipfile lacks, RuntimeError that a password is needed.
        raise Malformed(f"the zip cannot be read ({error}): {excerpt(body, 40)!r}", body=body) from None


def _too_large(body: Body) -> Malformed:
    return Malformed(f"the zip unpacks to more than {MAX_UNPACKED_BYTES >> 20} MiB", body=body)


def _verify(body: Body, checksum: Body) -> None:
    found = _SHA256.match(checksum.text().lstrip())
    if found is None:
        raise Malformed(f"the checksum file holds no SHA-256: {excerpt(checksum)!r}", body=body)
    if found[1].lower() != body.sha256:
        remedy = "the file was replaced or damaged on the way; the next run asks again"
        raise Malformed(
            f"checksum mismatch: published {found[1][:12]}, received {body.sha256[:12]}", remedy=remedy, body=body
        )
