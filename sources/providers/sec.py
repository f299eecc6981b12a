"""SEC EDGAR: filings of companies and trusts that hold coins, and who holds the spot ETFs by Form 13F.

Traps:
* Whoever sends no contact (a name or an e-mail address) in the User-Agent gets HTTP 403; UNDERTOW_CONTACT holds it.
* A list of filings is columns, not rows: one array per field. It ends after a thousand filings; older ones are in
  further files, which hold the bare columns.
* `acceptanceDateTime` ends in Z and yet is the clock of New York for some filers and UTC for others, by filer. A filing
  counts as known at the later of the two readings, and not before six in the morning of its filing day.
* 13F data sets come months late as zips of about 100 MB with one file of more than 300 MB in it, of which a few
  thousand lines are about the ETFs. They are named after the days on which filings came in; a corrected one has `_1`
  behind its name, and their folder has moved, so addresses are taken from the page that lists them.
* One filer can list a security many times (by other managers), as shares and as options on them. A filing can be
  amended by a later one, which either restates it or adds to it. Values are US dollars, although some filers still
  write thousands, as the form wanted until 2022.
* Positions are those of a quarter's end and become known up to 45 days later: never a figure of the day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from sources.dataset import UTC_DATETIME, Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window, at_midnight
from sources.errors import Incomplete, Malformed
from sources.http import Client, excerpt, in_turn
from sources.parsing import MAX_UNPACKED_BYTES, day, decode_json, number, opened_zip, shape, table

CONTACT = "UNDERTOW_CONTACT"

PROVIDER = Provider(
    name="sec",
    title="SEC EDGAR",
    homepage="https://www.sec.gov/search-filings/edgar-application-programming-interfaces",
    licence=Licence.PUBLIC_DOMAIN,
    probe_url="https://data.sec.gov/submissions/CIK0001050446.json",
    # Ten a second are allowed.
    rates=(Rate(5, 1.0),),
    # Without a contact it says 403, and by that answers.
    probe_statuses=(200, 403),
)

FILERS: Mapping[str, str] = {
    "0001050446": "Strategy",
    "0001507605": "MARA Holdings",
    "0001167419": "Riot Platforms",
    "0001679788": "Coinbase",
    "0001859392": "Galaxy Digital",
    "0001512673": "Block",
    "0001318605": "Tesla",
    "0001876042": "Circle",
    "0001980994": "iShares Bitcoin Trust",
    "0002000638": "iShares Ethereum Trust",
    "0001588489": "Grayscale Bitcoin Trust",
}
"""Names by CIK."""

FORMS = frozenset({
    "8-K", "10-Q", "10-K", "6-K", "20-F", "40-F", "S-1", "S-3", "S-3ASR", "424B2", "424B3", "424B5", "13F-HR", "SC 13D",
    "SC 13G", "SCHEDULE 13D", "SCHEDULE 13G", "15-12B", "25",
})  # fmt: skip
"""Forms that are kept, with their amendments (`/A`): events, accounts, offerings, large holdings, delistings."""

ETF_CUSIPS: Mapping[str, str] = {
    "46438F101": "IBIT",
    "315948109": "FBTC",
    "389637109": "GBTC",
    "040919102": "ARKB",
    "09174C104": "BITB",
    "46438R105": "ETHA",
    "389638107": "ETHE",
}
"""Tickers of the large spot Bitcoin and Ether ETFs by CUSIP."""

_SUBMISSIONS = "https://data.sec.gov/submissions"
_OLDER_NAME = re.compile(r"CIK\d{10}-submissions-\d{3}\.json")
_CIK_IN_PATH = re.compile(r"/CIK(\d{10})(-submissions-\d{3})?\.json$")
_ACCEPTED = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$")

_INDEX_URL = "https://www.sec.gov/data-research/sec-markets-data/form-13f-data-sets"
_ZIP_LINK = re.compile(r'href="(/files/[\w/-]+/(\d{2}[a-z]{3}\d{4}-\d{2}[a-z]{3}\d{4})_form13f(?:_(\d+))?\.zip)"')
_FIRST_SPAN = (date(2024, 1, 1), date(2024, 2, 29))
_ASKED_AFTER = timedelta(days=2)
"""From the last day a data set is about to when it is first asked for."""

_MAX_TABLE_BYTES = 4 * 1024**3
_TABLE = {"SUBMISSION.TSV": True, "COVERPAGE.TSV": True, "INFOTABLE.TSV": False}
_CUSIP_LINE = re.compile(rb"\t(?:" + "|".join(ETF_CUSIPS).encode() + rb")\t", re.IGNORECASE)


def _headers(client: Client) -> dict[str, str]:
    # Said of oneself and yet not for the archive: it is somebody's address.
    return {"User-Agent": f"undertow/0.1 {client.key}"}


def fetch_filings(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((name, _submissions(window, client, cik)) for cik, name in FILERS.items())


def _submissions(window: Window, client: Client, cik: str) -> Iterator[Body]:
    body = client.get(f"{_SUBMISSIONS}/CIK{cik}.json", secret_headers=_headers(client))
    yield body
    files = _object(_object(decode_json(body), body).get("filings"), body).get("files", [])
    if not isinstance(files, list):
        raise Malformed("filings.files is not a list", body=body)
    for file in files:
        name, last = str(_object(file, body).get("name")), str(file.get("filingTo"))
        # Where a request goes is not for an answer to say, but for the number of the file.
        if not _OLDER_NAME.fullmatch(name) or f"CIK{cik}" not in name:
            raise Malformed(f"{name!r} is not the name of a file of older filings", body=body)
        if last >= window.start.date().isoformat():
            yield client.get(f"{_SUBMISSIONS}/{name}", secret_headers=_headers(client))


def parse_filings(body: Body) -> pl.DataFrame:
    found = _CIK_IN_PATH.search(urlsplit(body.request.url).path)
    if found is None:
        raise Malformed(f"{body.request.url} is not the address of a list of filings", body=body)
    cik = found[1]
    answer = _object(decode_json(body), body)
    if not found[2]:
        if str(answer.get("cik")).zfill(10) != cik:
            raise Malformed(f"the list of CIK {cik} is that of {answer.get('cik')}", body=body)
        answer = _object(_object(answer.get("filings"), body).get("recent"), body)
    frame = table(
        _rows_of_columns(answer, body),
        body,
        fields=(
            "accessionNumber",
            "filingDate",
            "reportDate",
            "acceptanceDateTime",
            "form",
            "items",
            "primaryDocument",
        ),
        unused=(
            "act",
            "fileNumber",
            "filmNumber",
            "core_type",
            "size",
            "isXBRL",
            "isInlineXBRL",
            "isXBRLNumeric",
            "primaryDocDescription",
        ),
    )
    frame = frame.filter(pl.col("form").str.strip_suffix("/A").is_in(FORMS))
    if not frame["acceptanceDateTime"].str.contains(_ACCEPTED.pattern).fill_null(value=False).all():
        raise Malformed("a time of acceptance is not written as an instant", body=body)
    folder = pl.format("https://www.sec.gov/Archives/edgar/data/{}/{}/", pl.lit(str(int(cik))), _plain_number())
    return shape(
        frame.with_columns(pl.col("reportDate", "items", "primaryDocument").replace("", None)),
        body,
        {
            "cik": pl.lit(cik),
            "accession_number": pl.col("accessionNumber"),
            "filed_on": day("filingDate"),
            "filer_name": pl.lit(FILERS.get(cik, "unknown")),
            "form": pl.col("form"),
            "items": pl.col("items"),
            "report_on": day("reportDate"),
            "accepted_at": pl.col("acceptanceDateTime")
            .str.head(19)
            .str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", time_zone="UTC", strict=True),
            "document_url": folder + pl.col("primaryDocument"),
        },
        nullable=("items", "report_on", "document_url"),
    )


def _plain_number() -> pl.Expr:
    return pl.col("accessionNumber").str.replace_all("-", "")


def _rows_of_columns(columns: Mapping[str, Any], body: Body) -> list[dict[str, Any]]:
    """Rows of an object that holds one array per field; what is no such array goes with every row."""
    numbers = columns.get("accessionNumber")
    if not isinstance(numbers, list):
        raise Malformed(f"the filings have no accession numbers: {excerpt(body)!r}", body=body)
    arrays = {
        name: values for name, values in columns.items() if isinstance(values, list) and len(values) == len(numbers)
    }
    lengths = {name: len(values) for name, values in columns.items() if isinstance(values, list) and name not in arrays}
    if lengths:
        raise Malformed(f"arrays differ in length: {len(numbers)} filings, {json.dumps(lengths)}", body=body)
    rest = {name: value for name, value in columns.items() if name not in arrays}
    return [{**dict(zip(arrays, values, strict=True)), **rest} for values in zip(*arrays.values(), strict=True)]


def _object(value: Any, body: Body) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"expected an object: {excerpt(body)!r}", body=body)
    return value


def _filing_known_at() -> pl.Expr:
    accepted = pl.col("accepted_at")
    clock = accepted.dt.replace_time_zone(None)
    in_new_york = clock.dt.replace_time_zone("America/New_York", ambiguous="latest", non_existent="null")
    # Filings are taken from six to ten o'clock in New York; a clock outside of that can only be UTC.
    is_either = clock.dt.hour().is_between(6, 21)
    later = pl.when(is_either).then(in_new_york.dt.convert_time_zone("UTC")).otherwise(accepted)
    morning = pl.col("filed_on").cast(pl.Datetime("us")).dt.offset_by("6h").dt.replace_time_zone("America/New_York")
    return pl.max_horizontal(later, morning.dt.convert_time_zone("UTC"))


def fetch_holdings_13f(window: Window, client: Client) -> Iterator[Body]:
    due = [span for span in _spans(window) if window.start <= _due_at(span) < window.end]
    if not due:
        return
    index = client.get(_INDEX_URL, secret_headers=_headers(client))
    yield index
    listed = _links(index)
    yield from in_turn((_span_name(span), _data_set(client, listed, span)) for span in due)


def _data_set(client: Client, listed: Mapping[str, str], span: tuple[date, date]) -> Iterator[Body]:
    path = listed.get(_span_name(span))
    if path is None:
        raise Incomplete(
            "the data set is not published yet",
            remedy="it follows the filings by some weeks; the window is asked for again",
            where=client.where,
        )
    yield client.get(f"https://www.sec.gov{path}", secret_headers=_headers(client))


def _spans(window: Window) -> Iterator[tuple[date, date]]:
    """First and last days of the filings in each data set that may be due by the end of a window, oldest first."""
    first, last = _FIRST_SPAN
    while at_midnight(last) < window.end:
        yield first, last
        first = last + timedelta(days=1)
        last = (first + timedelta(days=95)).replace(day=1) - timedelta(days=1)


def _due_at(span: tuple[date, date]) -> datetime:
    return at_midnight(span[1]) + _ASKED_AFTER


def _span_name(span: tuple[date, date]) -> str:
    return "-".join(f"{each:%d%b%Y}".lower() for each in span)


def _links(index: Body) -> dict[str, str]:
    """Paths of the data sets that are listed, by span; of a corrected one the last correction."""
    text = index.text()
    found = sorted((span, int(correction or 0), path) for path, span, correction in _ZIP_LINK.findall(text))
    if not found or "</html>" not in text.lower():
        raise Malformed(f"the page does not list 13F data sets: {excerpt(index)!r}", body=index)
    return {span: path for span, _, path in found}


def parse_holdings_13f(body: Body) -> pl.DataFrame:
    if not body.request.url.endswith(".zip"):
        _links(body)
        return HOLDINGS_13F.empty()
    tables = _tables(body)
    submissions = {row["ACCESSION_NUMBER"]: row for row in _lines(tables["SUBMISSION.TSV"], body, is_lax=True)}
    covers = {row["ACCESSION_NUMBER"]: row for row in _lines(tables["COVERPAGE.TSV"], body, is_lax=True)}
    rows = []
    for row in _lines(tables["INFOTABLE.TSV"], body):
        filing = row.get("ACCESSION_NUMBER", "")
        if filing not in submissions or filing not in covers:
            raise Malformed(f"filing {filing!r} has holdings and no cover", body=body)
        rows.append({**row, **_chosen(submissions[filing], _SUBMISSION), **_chosen(covers[filing], _COVER)})
    fields = ("ACCESSION_NUMBER", "CUSIP", "VALUE", "SSHPRNAMT", "SSHPRNAMTTYPE", "PUTCALL", *_SUBMISSION, *_COVER)
    unused = (
        "INFOTABLE_SK",
        "NAMEOFISSUER",
        "TITLEOFCLASS",
        "FIGI",
        "INVESTMENTDISCRETION",
        "OTHERMANAGER",
        "VOTING_AUTH_SOLE",
        "VOTING_AUTH_SHARED",
        "VOTING_AUTH_NONE",
    )
    frame = table(rows, body, fields=fields, unused=unused)
    frame = frame.with_columns(pl.col("PUTCALL", "AMENDMENTTYPE").replace("", None), pl.col("CUSIP").str.to_uppercase())
    if unknown := sorted(set(frame["SSHPRNAMTTYPE"]) - {"SH", "PRN"}):
        raise Malformed(f"amounts of {unknown[0]!r} are neither shares nor principal", body=body)
    shaped = shape(
        frame,
        body,
        {
            "accession_number": pl.col("ACCESSION_NUMBER"),
            "cusip": pl.col("CUSIP"),
            "position_type": pl.col("PUTCALL").str.to_lowercase().fill_null("shares"),
            "quarter_end_date": _dashed_day("PERIODOFREPORT"),
            "filed_on": _dashed_day("FILING_DATE"),
            "filer_cik": pl.col("CIK").str.zfill(10),
            "filer_name": pl.col("FILINGMANAGER_NAME"),
            "form": pl.col("SUBMISSIONTYPE"),
            "amendment_type": pl.col("AMENDMENTTYPE"),
            "ticker": pl.col("CUSIP").replace_strict(ETF_CUSIPS, default=None, return_dtype=pl.String),
            "value_usd": number("VALUE"),
            "share_count": pl.when(pl.col("SSHPRNAMTTYPE") == "SH").then(number("SSHPRNAMT")),
        },
        nullable=("amendment_type", "share_count"),
    )
    key = ("accession_number", "cusip", "position_type")
    summed = {"value_usd": pl.col("value_usd").sum(), "share_count": _sum_or_null("share_count")}
    others = [name for name in shaped.columns if name not in key]
    return shaped.group_by(key, maintain_order=True).agg(
        summed.get(name, pl.col(name).first()).alias(name) for name in others
    )


_SUBMISSION = ("FILING_DATE", "SUBMISSIONTYPE", "CIK", "PERIODOFREPORT")
_COVER = ("FILINGMANAGER_NAME", "AMENDMENTTYPE")


def _chosen(row: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: row[name] for name in names if name in row}


def _sum_or_null(name: str) -> pl.Expr:
    column = pl.col(name)
    return pl.when(column.count() > 0).then(column.sum())


def _dashed_day(name: str) -> pl.Expr:
    """The text column `name`, written `31-MAR-2024`, as Date."""
    return pl.col(name).str.to_titlecase().str.to_date("%d-%b-%Y", strict=True)


def _tables(body: Body) -> dict[str, list[str]]:
    """Lines of the tables in a zipped data set; of the holdings those that are about the ETFs, below their heading.

    Raises:
        Malformed: it is not a zip, or a table is missing, damaged or too large.
    """
    tables: dict[str, list[str]] = {}
    with opened_zip(body) as archive:
        for member in archive.infolist():
            name = member.filename.rpartition("/")[2].upper()
            if name in _TABLE:
                with archive.open(member) as file:
                    tables[name] = _kept(file, body, is_whole=_TABLE[name])
    if missing := sorted(set(_TABLE) - set(tables)):
        raise Malformed(f"the zip holds no {', '.join(missing)}", body=body)
    return tables


def _kept(file: Any, body: Body, *, is_whole: bool) -> list[str]:
    # Line by line, so that memory holds what is kept and not what is read: the declared size comes from the sender.
    limit = MAX_UNPACKED_BYTES if is_whole else _MAX_TABLE_BYTES
    lines: list[str] = []
    size = 0
    for line in file:
        size += len(line)
        if size > limit:
            raise Malformed(f"a table unpacks to more than {limit >> 20} MiB", body=body)
        if is_whole or not lines or _CUSIP_LINE.search(line):
            try:
                lines.append(line.decode("utf-8-sig").rstrip("\r\n"))
            except UnicodeDecodeError as error:
                raise Malformed(f"a table is not UTF-8 text: {error.reason}", body=body) from None
    return lines


def _lines(lines: list[str], body: Body, *, is_lax: bool = False) -> Iterator[dict[str, str]]:
    """Rows of a table of tab-separated text with a heading.

    Args:
        lines: the heading and the rows.
        body: for errors.
        is_lax: whether to leave out lines of another width; remarks on the cover of a filing can have several lines.
    """
    if not lines:
        raise Malformed("a table is empty", body=body)
    names = lines[0].split("\t")
    if "ACCESSION_NUMBER" not in names:
        raise Malformed(f"a table has no accession numbers: {lines[0][:80]!r}", body=body)
    for line in lines[1:]:
        cells = line.split("\t")
        if len(cells) != len(names):
            if is_lax:
                continue
            raise Malformed(f"a row has {len(cells)} cells under {len(names)} names", body=body)
        yield dict(zip(names, cells, strict=True))


def _holdings_known_at() -> pl.Expr:
    # The hour of a filing is not in the data set; none is taken in after ten in the evening.
    evening = pl.col("filed_on").cast(pl.Datetime("us")).dt.offset_by("22h").dt.replace_time_zone("America/New_York")
    return evening.dt.convert_time_zone("UTC")


FILINGS = Dataset(
    provider=PROVIDER,
    name="filings",
    subject="institutions",
    description="Reports of companies and trusts that hold coins: events, accounts, offerings and large holdings.",
    grain="one row per filer and filing",
    columns=(
        Column("cik", pl.String, "The filer's number, ten digits."),
        Column("accession_number", pl.String, "Number of the filing."),
        Column("filed_on", pl.Date, "Filing day; the next one for what came in after 17:30 in New York."),
        Column("filer_name", pl.String, "Name by which the filer goes today."),
        Column("form", pl.String, "Form, such as 8-K; /A for an amendment."),
        Column("items", pl.String, "Items of an 8-K, joined by commas: 2.02 are results, 8.01 other events."),
        Column("report_on", pl.Date, "Day the report is about; null if none is named."),
        Column("accepted_at", UTC_DATETIME, "When it came in, read as UTC, which for some filers is New York's clock."),
        Column("document_url", pl.String, "Address of the main document; null if there is none."),
    ),
    key=("cik", "accession_number", "filed_on"),
    time_column="filed_on",
    period=timedelta(0),
    cadence=Cadence(
        cron="12 * * * *", lag=timedelta(hours=12), revised_for=timedelta(days=7), stale_after=timedelta(days=14)
    ),
    starts_on=date(2020, 8, 1),
    fetch=fetch_filings,
    parse=parse_filings,
    docs_url="https://www.sec.gov/search-filings/edgar-application-programming-interfaces",
    available_at=_filing_known_at(),
    needs_key=CONTACT,
)

HOLDINGS_13F = Dataset(
    provider=PROVIDER,
    name="holdings_13f",
    subject="institutions",
    description="Large managers' positions in the spot Bitcoin and Ether ETFs at the end of each quarter.",
    grain="one row per filing, security and type of position",
    columns=(
        Column("accession_number", pl.String, "Number of the filing."),
        Column("cusip", pl.String, "CUSIP of the ETF."),
        Column("position_type", pl.String, "What is held: shares, or call or put options on them."),
        Column("quarter_end_date", pl.Date, "Quarter's end at which the position was held."),
        Column("filed_on", pl.Date, "Day of the filing, up to 45 days later."),
        Column("filer_cik", pl.String, "The manager's number, ten digits."),
        Column("filer_name", pl.String, "The manager's name."),
        Column("form", pl.String, "13F-HR, or 13F-HR/A for an amendment."),
        Column("amendment_type", pl.String, "RESTATEMENT or NEW HOLDINGS; null if it is no amendment."),
        Column("ticker", pl.String, "Ticker of the ETF."),
        Column("value_usd", pl.Float64, "Market value as filed, US dollars; of an option that of its underlying."),
        Column("share_count", pl.Float64, "Shares, or shares under option; null if the filer counts them otherwise."),
    ),
    key=("accession_number", "cusip", "position_type", "quarter_end_date"),
    time_column="quarter_end_date",
    period=timedelta(days=1),
    cadence=Cadence(
        cron="40 9 * * 2", lag=timedelta(days=80), revised_for=timedelta(0), stale_after=timedelta(days=200)
    ),
    starts_on=date(2024, 1, 1),
    fetch=fetch_holdings_13f,
    parse=parse_holdings_13f,
    docs_url=_INDEX_URL,
    chunk=timedelta(days=92),
    available_at=_holdings_known_at(),
    can_be_empty=True,
    needs_key=CONTACT,
)

DATASETS = (FILINGS, HOLDINGS_13F)
