"""Geopolitical Risk (Caldara and Iacoviello): the daily index of newspapers, a legacy Excel file, without a key.

Traps:
* The file is a true `.xls` (OLE2), which needs a reader of its own. It comes from a stranger, so it is read with limits
  and every way in which the reader fails on a damaged file is `Malformed`.
* To the right of the figures stand columns of another kind: `event` names a few days of history, `var_name` and
  `var_label` hold the list of variables in their first rows. A column without a heading is no column.
* `DAY` is a number such as 20240705; `date` is the same day as an Excel date, and stands in where there is no `DAY`.
* The index is scaled anew when days are appended, so old values move a little with every issue.
* Issues come about once a week; the newest row can be of a day under way.
* The answer is always the whole history since 1985; rows before 2000 are left out.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import xlrd
import xlrd.compdoc
import xlrd.formula

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Window
from sources.errors import Malformed
from sources.http import Client, excerpt
from sources.parsing import ended_days, number, shape

_URL = "https://www.matteoiacoviello.com/gpr_files/data_gpr_daily_recent.xls"

PROVIDER = Provider(
    name="gpr",
    title="Geopolitical Risk Index",
    homepage="https://www.matteoiacoviello.com/gpr.htm",
    licence=Licence.ATTRIBUTION,
    probe_url="https://www.matteoiacoviello.com/gpr.htm",
)

MAX_FILE_BYTES = 32 * 1024 * 1024
"""Ten times the file; the reader needs many times a file's size in memory."""

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OPTIONAL = {
    "geopolitical_acts_index": "GPRD_ACT",
    "geopolitical_threats_index": "GPRD_THREAT",
    "geopolitical_risk_7d_mean_index": "GPRD_MA7",
    "geopolitical_risk_30d_mean_index": "GPRD_MA30",
}
_UNUSED = ("N10D", "date", "event", "var_name", "var_label")

_DAMAGE = (
    xlrd.XLRDError,
    xlrd.compdoc.CompDocError,
    xlrd.formula.FormulaError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What xlrd raises on a file that is not as it should be: it checks little, so that most of it comes from Python."""


def fetch_geopolitical_risk(window: Window, client: Client) -> Iterator[Body]:
    yield client.get(_URL)


def parse_geopolitical_risk(body: Body) -> pl.DataFrame:
    frame = _first_sheet(body)
    if "DAY" not in frame.columns and "date" in frame.columns:
        frame = frame.with_columns(pl.col("date").alias("DAY"))
    if missing := [name for name in ("DAY", "GPRD") if name not in frame.columns]:
        raise Malformed(f"the sheet has no column {' and none '.join(missing)}", body=body)
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in _OPTIONAL.values() if name not in frame.columns]
    # The list of variables may be longer than the series.
    is_row = pl.col("DAY").is_not_null() | pl.col("GPRD").is_not_null()
    is_old = pl.col("DAY").fill_null("").str.contains(r"^19\d{6}$")
    shaped = shape(
        frame.with_columns(absent).filter(is_row & ~is_old),
        body,
        {
            "observed_on": pl.col("DAY").str.to_date("%Y%m%d", strict=True, exact=True),
            "geopolitical_risk_index": number("GPRD"),
            **{name: number(heading) for name, heading in _OPTIONAL.items()},
        },
        nullable=_OPTIONAL,
        unused=_UNUSED,
    )
    return ended_days(shaped, "observed_on", body)


def _first_sheet(body: Body) -> pl.DataFrame:
    """The first sheet of a workbook as a frame of text, named by its first row; a blank cell is null.

    Raises:
        Malformed: it is no workbook, too large, damaged, or two columns have one heading.
    """
    if not body.content.startswith(_SIGNATURE):
        raise Malformed(f"the answer is no .xls file: {excerpt(body, 40)!r}", body=body)
    if len(body.content) > MAX_FILE_BYTES:
        raise Malformed(f"the .xls file is larger than {MAX_FILE_BYTES >> 20} MiB", body=body)
    try:
        # Ragged rows, because a damaged size of the sheet would otherwise be filled up with empty cells.
        with xlrd.open_workbook(
            file_contents=body.content, logfile=io.StringIO(), on_demand=True, ragged_rows=True
        ) as book:
            sheet = book.sheet_by_index(0)
            rows = [[_text(cell, book.datemode) for cell in sheet.row(index)] for index in range(sheet.nrows)]
    except _DAMAGE as error:
        raise Malformed(f"the .xls file cannot be read ({type(error).__name__}: {error})", body=body) from None
    headings = [(position, name) for position, name in enumerate(rows[0] if rows else []) if name is not None]
    if len({name for _, name in headings}) != len(headings):
        raise Malformed("a heading stands over two columns", body=body)
    columns = {
        name: [row[position] if position < len(row) else None for row in rows[1:]] for position, name in headings
    }
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def _text(cell: xlrd.sheet.Cell, datemode: int) -> str | None:
    """A cell as text: numbers as short as they are, days as eight digits, and an error as what Excel calls it."""
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return f"{cell.value:.0f}" if cell.value == int(cell.value) else repr(cell.value)
    if cell.ctype == xlrd.XL_CELL_DATE:
        return f"{xlrd.xldate_as_datetime(cell.value, datemode):%Y%m%d}"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    return str(cell.value).strip() or None


GEOPOLITICAL_RISK = Dataset(
    provider=PROVIDER,
    name="geopolitical_risk",
    subject="macro",
    description="Geopolitical risk by the share of newspaper articles about it, with acts and threats apart.",
    grain="one row per day",
    columns=(
        Column("observed_on", pl.Date, "Day of the newspapers."),
        Column("geopolitical_risk_index", pl.Float64, "Index, 100 on average from 1985 to 2019."),
        Column("geopolitical_acts_index", pl.Float64, "The same for acts: wars, escalations, terror."),
        Column("geopolitical_threats_index", pl.Float64, "The same for threats, build-ups and fears."),
        Column("geopolitical_risk_7d_mean_index", pl.Float64, "Mean of the index over seven days, by the authors."),
        Column("geopolitical_risk_30d_mean_index", pl.Float64, "Mean of the index over thirty days, by the authors."),
    ),
    key=("observed_on",),
    time_column="observed_on",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="45 16 * * *", lag=timedelta(days=4), revised_for=timedelta(days=30), stale_after=timedelta(days=14)
    ),
    starts_on=date(2000, 1, 1),
    fetch=fetch_geopolitical_risk,
    parse=parse_geopolitical_risk,
    docs_url="https://www.matteoiacoviello.com/gpr.htm",
)

DATASETS = (GEOPOLITICAL_RISK,)
