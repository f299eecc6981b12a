"""The simulated SEC: lists of filings in columns, and quarterly zips of who holds the spot ETFs.

Companies report quarterly; Strategy reports a purchase on the Monday after a week in which the funds took in money. A
manager holds a fixed part of all shares.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date, datetime, time, timedelta
from functools import lru_cache

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.calendars import UTC, is_session, new_york, sessions_after
from sources.simulator.state import ORIGIN, State, day_index

HOSTS = ("data.sec.gov", "www.sec.gov")

_SUBMISSIONS = re.compile(r"/submissions/CIK(\d{10})\.json")
_INDEX = "/data-research/sec-markets-data/form-13f-data-sets"
_FOLDER = "/files/structureddata/data/form-13f-data-sets/"
_STRATEGY = "0001050446"
_TRUSTS = {"0001980994": date(2024, 1, 11), "0002000638": date(2024, 7, 23), "0001588489": date(2021, 1, 1)}
_COMPANIES = {
    _STRATEGY: "Strategy Inc",
    "0001507605": "MARA Holdings, Inc.",
    "0001167419": "Riot Platforms, Inc.",
    "0001679788": "Coinbase Global, Inc.",
    "0001859392": "Galaxy Digital Inc.",
    "0001512673": "Block, Inc.",
    "0001318605": "Tesla, Inc.",
    "0001876042": "Circle Internet Group, Inc.",
    "0001980994": "iShares Bitcoin Trust ETF",
    "0002000638": "iShares Ethereum Trust ETF",
    "0001588489": "Grayscale Bitcoin Trust ETF",
}
_FUNDS = {
    "IBIT": ("btc", "46438F101", 0.00057),
    "FBTC": ("btc", "315948109", 0.00087),
    "ETHA": ("eth", "46438R105", 0.0076),
}
"""Asset, CUSIP and coins of a share."""
_MANAGERS = 40


def answer(ask: Ask, scene: Scene) -> Answer:
    if found := _SUBMISSIONS.fullmatch(ask.path):
        return _submissions(found[1], scene) if found[1] in _COMPANIES else not_found(ask)
    if ask.path == _INDEX:
        return _index(scene)
    for span in _spans(scene.now):
        if ask.path == _FOLDER + _file_name(span):
            return Answer(200, "application/zip", _data_set(span, scene))
    return not_found(ask)


def _submissions(cik: str, scene: Scene) -> Answer:
    filings = [
        (accepted, form, items, report)
        for accepted, form, items, report in _filings(cik, scene.state)
        if accepted <= scene.now and not scene.is_missing(accepted.date())
    ]
    filings.sort(reverse=True)
    columns: dict[str, list[object]] = {
        "accessionNumber": [f"{cik}-{at:%y}-{at:%m%d%H}" for at, *_ in filings],
        "filingDate": [str(at.date()) for at, *_ in filings],
        "reportDate": [str(report) for *_, report in filings],
        "acceptanceDateTime": [f"{at:%Y-%m-%dT%H:%M:%S}.000Z" for at, *_ in filings],
        "form": [form for _, form, *_ in filings],
        # A restatement is an amendment: the text of a filing does not change.
        "items": [f"{items},9.01" if scene.factor(at.date()) != 1 else items for at, _, items, _ in filings],
        "primaryDocument": [f"doc-{at:%Y%m%d}.htm" for at, *_ in filings],
        "primaryDocDescription": [form for _, form, *_ in filings],
        "size": [10_000 for _ in filings],
    }
    if scene.has_new_column:
        columns["new_field"] = [1 for _ in filings]
    return as_json({"cik": cik, "name": _COMPANIES[cik], "filings": {"recent": columns, "files": []}})


@lru_cache(maxsize=64)
def _filings_of(cik: str, weeks: tuple[date, ...]) -> list[tuple[datetime, str, str, date]]:
    rows = []
    for year in range(ORIGIN.year, ORIGIN.year + 6):
        for end, due in ((date(year, 3, 31), 38), (date(year, 6, 30), 38), (date(year, 9, 30), 36)):
            rows.append((_accepted(end + timedelta(days=due)), "10-Q", "", end))
        rows.append((_accepted(date(year + 1, 2, 20)), "10-K", "", date(year, 12, 31)))
        if cik not in _TRUSTS:
            for month in (2, 5, 8, 11):
                rows.append((_accepted(date(year, month, 4), 1), "8-K", "2.02", date(year, month, 4)))
    rows += [(_accepted(week, 2), "8-K", "7.01,8.01", week) for week in weeks]
    listed = _TRUSTS.get(cik, ORIGIN.date())
    return [row for row in rows if row[0].date() >= listed]


def _filings(cik: str, state: State) -> list[tuple[datetime, str, str, date]]:
    """Time of acceptance, form, items and report day of everything a filer will ever file."""
    return _filings_of(cik, _weeks_of_purchases(state) if cik == _STRATEGY else ())


def _weeks_of_purchases(state: State) -> tuple[date, ...]:
    """Mondays after weeks in which the Bitcoin funds took in money."""
    funds = state.funds["btc"]
    weeks: dict[date, float] = {}
    for session, total in zip(funds.sessions, funds.session_total_usd_m, strict=True):
        monday = session - timedelta(days=session.weekday()) + timedelta(days=7)
        weeks[monday] = weeks.get(monday, 0.0) + float(total)
    return tuple(sorted(monday for monday, total in weeks.items() if total > 0))


def _accepted(day: date, hours: int = 0) -> datetime:
    """Half past four in the afternoon in New York, some hours earlier, on the first session from a day on."""
    session = day if is_session(day) else sessions_after(day, 1)
    return new_york(session, 16 - 4 * hours, 30)


def _spans(now: datetime) -> list[tuple[date, date]]:
    """First and last days of the filings in the data sets that are out, oldest first."""
    spans, first, last = [], date(2024, 1, 1), date(2024, 2, 29)
    while datetime.combine(last + timedelta(days=2), time(0), UTC) <= now:
        spans.append((first, last))
        first = last + timedelta(days=1)
        last = (first + timedelta(days=95)).replace(day=1) - timedelta(days=1)
    return spans


def _file_name(span: tuple[date, date]) -> str:
    return "-".join(f"{each:%d%b%Y}".lower() for each in span) + "_form13f.zip"


def _index(scene: Scene) -> Answer:
    links = "\n".join(
        f'<td><a href="{_FOLDER}{_file_name(span)}" download>{span[0]:%Y %B}</a></td>'
        for span in reversed(_spans(scene.now))
    )
    head = "<!DOCTYPE html>\n<html><head><title>Form 13F Data Sets</title></head>"
    page = f"{head}<body><table>{links}</table></body></html>"
    return Answer(200, "text/html; charset=UTF-8", page.encode())


def _data_set(span: tuple[date, date], scene: Scene) -> bytes:
    quarter = _quarter_before(span[0] + timedelta(days=31))
    submissions = ["ACCESSION_NUMBER\tFILING_DATE\tSUBMISSIONTYPE\tCIK\tPERIODOFREPORT"]
    covers = ["ACCESSION_NUMBER\tREPORTCALENDARORQUARTER\tAMENDMENTTYPE\tFILINGMANAGER_NAME"]
    extra = scene.has_new_column
    holdings = [
        "ACCESSION_NUMBER\tINFOTABLE_SK\tNAMEOFISSUER\tCUSIP\tVALUE\tSSHPRNAMT\tSSHPRNAMTTYPE\tPUTCALL"
        + ("\tnew_field" if extra else "")
    ]
    shares = {ticker: _shares(ticker, quarter, scene) for ticker in _FUNDS}
    for manager in range(_MANAGERS):
        filed = quarter + timedelta(days=20 + (manager * 7) % 26)
        filing = f"{9_000_000 + manager:010d}-{filed:%y}-{manager:06d}"
        on = f"{filed:%d-%b-%Y}".upper()
        submissions.append(f"{filing}\t{on}\t13F-HR\t{9_000_000 + manager}\t{quarter:%d-%b-%Y}".upper())
        covers.append(f"{filing}\t{quarter:%d-%b-%Y}\t\tManager {manager + 1}")
        for number, (ticker, (asset, cusip, per_share)) in enumerate(_FUNDS.items()):
            held = round(shares[ticker] * 0.4 * (1 + manager % 5) / (3 * _MANAGERS))
            if not held or (manager + number) % 3 == 0:
                continue
            price = float(scene.state.on_chain[asset].price_usd[day_index(quarter)]) * per_share
            row = f"{filing}\t{manager * 10 + number}\t{ticker}\t{cusip}\t{held * price:.0f}\t{held}\tSH\t"
            holdings.append(row + ("\t1" if extra else ""))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in (("SUBMISSION", submissions), ("COVERPAGE", covers), ("INFOTABLE", holdings)):
            archive.writestr(zipfile.ZipInfo(f"{name}.tsv", (2024, 1, 1, 0, 0, 0)), "\n".join(lines) + "\n")
    return buffer.getvalue()


def _quarter_before(day: date) -> date:
    """The last end of a quarter before a day."""
    return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1) - timedelta(days=1)


def _shares(ticker: str, quarter: date, scene: Scene) -> float:
    asset, _, per_share = _FUNDS[ticker]
    funds, prices = scene.state.funds[asset], scene.state.on_chain[asset].price_usd
    column = funds.tickers.index(ticker)
    bought = sum(
        float(funds.net_flow_usd_m[row, column]) * 1e6 / float(prices[day_index(session)])
        for row, session in enumerate(funds.sessions)
        if session <= quarter and not np.isnan(funds.net_flow_usd_m[row, column])
    )
    return max(bought, 0.0) / per_share * scene.factor(quarter)
