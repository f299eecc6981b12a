"""CFTC: Commitments of Traders in CME Bitcoin and Ether futures, by class of trader, without a key.

Two reports tell the same open interest apart in two ways: Traders in Financial Futures (dealers, asset managers,
leveraged funds) and the older legacy report (commercial or not).

Traps:
* A report is about the close of a Tuesday (of a Monday where the Tuesday is a holiday) and comes out on Friday at 15:30
  in New York, on Monday where a federal holiday lies in between. No field says when. Weeks that came out late, such as
  those of the government shutdown of 2025, are in `RELEASED_LATE`; they stand in the data as if nothing had happened.
* `$limit` is 1,000 if not given, and what is beyond is cut off silently: pages are asked for until one is not full.
* Every value is text, also the date, which has a time of day. A field without a value is left out of its row.
* Names are irregular (`noncomm_postions_spread_all`) and numbered where they clash: `noncomm_positions_spread` is the
  old-crop figure and `tot_rept_positions_short_1` another one still.
* Names of contracts change over the years and codes are padded: contracts are asked for by their code.
* Positions are contracts of 5 bitcoins, 50 ether, or a tenth of one coin (micro): see `contract_units`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import polars as pl

from sources.dataset import Body, Cadence, Column, Dataset, Licence, Provider, Rate, Window
from sources.errors import Malformed, Rejected
from sources.http import Client, in_turn
from sources.parsing import decode_json, rows_of, shape, table, whole

PROVIDER = Provider(
    name="cftc",
    title="CFTC",
    homepage="https://publicreporting.cftc.gov",
    licence=Licence.PUBLIC_DOMAIN,
    probe_url="https://publicreporting.cftc.gov/resource/gpe5-46if.json?$limit=1",
    rates=(Rate(2, 1.0),),
)

CONTRACTS: Mapping[str, str] = {"133741": "btc", "133742": "btc", "146021": "eth", "146022": "eth"}
"""Assets by the code of the CME contract: Bitcoin, Micro Bitcoin, Ether, Micro Ether."""

RELEASED_LATE: Mapping[date, date] = {
    # Lapse of appropriations of 2018-19, press release 7864-19: the first on 1 February, then every Tuesday and Friday
    # until current. Days after the first follow from that rule.
    date(2018, 12, 24): date(2019, 2, 1),
    date(2018, 12, 31): date(2019, 2, 5),
    date(2019, 1, 8): date(2019, 2, 8),
    date(2019, 1, 15): date(2019, 2, 12),
    date(2019, 1, 22): date(2019, 2, 15),
    date(2019, 1, 29): date(2019, 2, 19),
    date(2019, 2, 5): date(2019, 2, 22),
    date(2019, 2, 12): date(2019, 2, 26),
    date(2019, 2, 19): date(2019, 3, 1),
    date(2019, 2, 26): date(2019, 3, 5),
    # Cyber incident at ION, announced one by one (historical special announcements, 24 February to 21 March 2023).
    date(2023, 1, 31): date(2023, 2, 24),
    date(2023, 2, 7): date(2023, 3, 3),
    date(2023, 2, 14): date(2023, 3, 8),
    date(2023, 2, 21): date(2023, 3, 10),
    date(2023, 2, 28): date(2023, 3, 14),
    date(2023, 3, 7): date(2023, 3, 16),
    date(2023, 3, 14): date(2023, 3, 21),
    # National day of mourning on 9 January (announcement of 7 January 2025).
    date(2025, 1, 7): date(2025, 1, 13),
    # Lapse of appropriations of October and November 2025: schedule of 9 December 2025 (press release 9147-25), which
    # overtook the slower one of 18 November.
    date(2025, 9, 30): date(2025, 11, 19),
    date(2025, 10, 7): date(2025, 11, 21),
    date(2025, 10, 14): date(2025, 11, 25),
    date(2025, 10, 21): date(2025, 12, 2),
    date(2025, 10, 28): date(2025, 12, 5),
    date(2025, 11, 4): date(2025, 12, 9),
    date(2025, 11, 10): date(2025, 12, 10),
    date(2025, 11, 18): date(2025, 12, 12),
    date(2025, 11, 25): date(2025, 12, 15),
    date(2025, 12, 2): date(2025, 12, 17),
    date(2025, 12, 9): date(2025, 12, 19),
    date(2025, 12, 16): date(2025, 12, 23),
    # The schedule says the 29th; the notice that it is out is of the 31st, and the later day cannot look ahead.
    date(2025, 12, 23): date(2025, 12, 31),
}
"""Release days that no rule gives, by report day."""

_ROOT = "https://publicreporting.cftc.gov/resource"
_TFF, _LEGACY = f"{_ROOT}/gpe5-46if.json", f"{_ROOT}/6dca-aqww.json"
_REPORT_DATE = "report_date_as_yyyy_mm_dd"
_PAGE_SIZE = 1000
_NEWEST_ONLY = timedelta(days=365)
"""Windows that begin no longer ago ask for the newest reports alone."""

_MIDNIGHT = r"^\d{4}-\d{2}-\d{2}T00:00:00(\.0+)?$"
_DERIVED = re.compile(r"^(change_in|pct_of|conc|traders)_|_(old|other|1|2)$|^noncomm_positions_spread$")
"""Changes, shares, concentrations, counts of traders by class, and the split by crop year, which these have not."""

_DESCRIPTIVE = (
    "id",
    "yyyy_report_week_ww",
    "contract_market_name",
    "cftc_market_code",
    "cftc_region_code",
    "cftc_commodity_code",
    "cftc_subgroup_code",
    "commodity",
    "commodity_name",
    "commodity_subgroup_name",
    "commodity_group_name",
    "futonly_or_combined",
)

_TFF_POSITIONS = {
    "dealer_long_contracts": "dealer_positions_long_all",
    "dealer_short_contracts": "dealer_positions_short_all",
    "dealer_spread_contracts": "dealer_positions_spread_all",
    "asset_manager_long_contracts": "asset_mgr_positions_long",
    "asset_manager_short_contracts": "asset_mgr_positions_short",
    "asset_manager_spread_contracts": "asset_mgr_positions_spread",
    "leveraged_fund_long_contracts": "lev_money_positions_long",
    "leveraged_fund_short_contracts": "lev_money_positions_short",
    "leveraged_fund_spread_contracts": "lev_money_positions_spread",
    "other_reportable_long_contracts": "other_rept_positions_long",
    "other_reportable_short_contracts": "other_rept_positions_short",
    "other_reportable_spread_contracts": "other_rept_positions_spread",
    "nonreportable_long_contracts": "nonrept_positions_long_all",
    "nonreportable_short_contracts": "nonrept_positions_short_all",
}
_LEGACY_POSITIONS = {
    "noncommercial_long_contracts": "noncomm_positions_long_all",
    "noncommercial_short_contracts": "noncomm_positions_short_all",
    "noncommercial_spread_contracts": "noncomm_postions_spread_all",
    "commercial_long_contracts": "comm_positions_long_all",
    "commercial_short_contracts": "comm_positions_short_all",
    "nonreportable_long_contracts": "nonrept_positions_long_all",
    "nonreportable_short_contracts": "nonrept_positions_short_all",
}


def fetch_tff_futures(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((code, _reports(window, client, _TFF, code)) for code in CONTRACTS)


def fetch_legacy_futures(window: Window, client: Client) -> Iterator[Body]:
    yield from in_turn((code, _reports(window, client, _LEGACY, code)) for code in CONTRACTS)


def _reports(window: Window, client: Client, url: str, code: str) -> Iterator[Body]:
    chosen = {"$where": f"cftc_contract_market_code='{code}'"}
    age = client.now - window.start
    if age <= _NEWEST_ONLY:
        # Counted and not bounded by date: a report that was held back is among the newest when it comes out.
        yield client.get(url, {**chosen, "$order": f"{_REPORT_DATE} DESC", "$limit": age.days // 7 + 3})
        return
    offset, is_whole = 0, True
    while True:
        params = {**chosen, "$order": _REPORT_DATE, "$limit": _PAGE_SIZE, "$offset": offset}
        body = client.get(url, params)
        yield body
        count = len(_rows(body))
        # Only an empty page proves that a short one was the last and not cut by the server without a word.
        if count == 0:
            return
        if not is_whole:
            raise Malformed("a page follows one that was not full: rows were cut between them", body=body)
        offset, is_whole = offset + _PAGE_SIZE, count >= _PAGE_SIZE


def _rows(body: Body) -> list[dict[str, Any]]:
    answer = decode_json(body)
    if isinstance(answer, dict) and "message" in answer:
        raise Rejected(f"{PROVIDER.title} answers with an error: {answer['message']}", body=body)
    return rows_of(answer, body)


def parse_tff_futures(body: Body) -> pl.DataFrame:
    return _parse(body, _TFF_POSITIONS)


def parse_legacy_futures(body: Body) -> pl.DataFrame:
    return _parse(body, _LEGACY_POSITIONS)


def _parse(body: Body, positions: Mapping[str, str]) -> pl.DataFrame:
    rows = _rows(body)
    seen = {name for row in rows for name in row}
    if rows and (missing := [name for name in positions.values() if name not in seen]):
        # One row may lack a value; a name that no row has was changed.
        raise Malformed(f"no row holds {', '.join(missing)}", body=body)
    unused = {
        name for name in seen if name not in positions.values() and name != "traders_tot_all" and _DERIVED.search(name)
    }
    frame = table(
        rows,
        body,
        fields=(
            "market_and_exchange_names",
            _REPORT_DATE,
            "cftc_contract_market_code",
            "contract_units",
            "open_interest_all",
            "traders_tot_all",
            *positions.values(),
        ),
        optional=("contract_units", "traders_tot_all", *positions.values()),
        unused=(*_DESCRIPTIVE, "tot_rept_positions_long_all", "tot_rept_positions_short", *unused),
    )
    if rows and not frame[_REPORT_DATE].str.contains(_MIDNIGHT).fill_null(value=False).all():
        raise Malformed("a report date is not the start of a day", body=body)
    code = pl.col("cftc_contract_market_code").str.strip_chars()
    return shape(
        frame,
        body,
        {
            "contract_code": code,
            "report_date": pl.col(_REPORT_DATE).str.head(10).str.to_date("%Y-%m-%d", strict=True),
            "asset": code.replace_strict(CONTRACTS, default=None, return_dtype=pl.String),
            "market_name": pl.col("market_and_exchange_names"),
            "contract_units": pl.col("contract_units"),
            "open_interest_contracts": whole("open_interest_all"),
            **{name: whole(field) for name, field in positions.items()},
            "reportable_trader_count": whole("traders_tot_all"),
        },
        nullable=("contract_units", "reportable_trader_count", *positions),
    )


def released_on(report_date: date) -> date:
    """The day on which the report about `report_date` came out."""
    if report_date in RELEASED_LATE:
        return RELEASED_LATE[report_date]
    friday = report_date + timedelta(days=4 - report_date.weekday())
    is_delayed = any(_is_federal_holiday(friday - timedelta(days=back)) for back in range(3))
    return friday + timedelta(days=3 if is_delayed else 0)


def _is_federal_holiday(day: date) -> bool:
    """Whether federal offices are closed on a Wednesday, Thursday or Friday."""
    # On Friday they also keep a holiday of the Saturday after.
    observed = [day, day + timedelta(days=1)] if day.weekday() == 4 else [day]
    fixed = {(1, 1), (7, 4), (11, 11), (12, 25)} | ({(6, 19)} if day.year >= 2021 else set())
    is_thanksgiving = day.month == 11 and day.weekday() == 3 and 22 <= day.day <= 28
    return is_thanksgiving or any((each.month, each.day) in fixed for each in observed)


def _exceptions(first: date, last: date) -> dict[date, date]:
    """Release days other than the Friday of the week, for the Mondays and Tuesdays of a span."""
    days = (first + timedelta(days=count) for count in range((last - first).days + 1))
    return {
        day: released_on(day)
        for day in days
        if day.weekday() < 2 and released_on(day) != day + timedelta(days=4 - day.weekday())
    }


def _released_at() -> pl.Expr:
    """The release of a report: 15:30 in New York."""
    report = pl.col("report_date")
    friday = report + pl.duration(days=5 - report.dt.weekday())
    exceptions = _exceptions(date(2018, 1, 1), date(2049, 12, 31))
    day = report.replace_strict(list(exceptions), list(exceptions.values()), default=friday, return_dtype=pl.Date)
    local = day.cast(pl.Datetime("us")).dt.offset_by("15h30m").dt.replace_time_zone("America/New_York")
    return local.dt.convert_time_zone("UTC")


def _position_columns(classes: Mapping[str, str]) -> tuple[Column, ...]:
    sides = {
        "long": "bought by",
        "short": "sold by",
        "spread": "held both long and short, in different months, by",
    }
    columns = []
    for prefix, who in classes.items():
        for side, how in sides.items():
            if (prefix, side) not in _NO_SPREAD:
                columns.append(
                    Column(f"{prefix}_{side}_contracts", pl.Int64, f"Open contracts {how} {who}; null if left out.")
                )
    return tuple(columns)


_NO_SPREAD = {("nonreportable", "spread"), ("commercial", "spread")}

_IDENTITY = (
    Column(
        "contract_code", pl.String, "CFTC code: 133741 Bitcoin, 146021 Ether, 133742 and 146022 their micro contracts."
    ),
    Column("report_date", pl.Date, "Day at whose close the positions were held, mostly a Tuesday."),
    Column("asset", pl.String, "What the contract is on: btc or eth."),
    Column("market_name", pl.String, "Contract and exchange, as the CFTC writes them that week."),
    Column("contract_units", pl.String, "Size of one contract as the CFTC writes it, such as (5 Bitcoins)."),
    Column("open_interest_contracts", pl.Int64, "Open contracts."),
)
_TRADERS = Column("reportable_trader_count", pl.Int64, "Traders large enough to have to report.")

_CADENCE = Cadence(
    # Every weekday, because holidays and catch-up schedules move releases to other days.
    cron="40 20 * * 1-5",
    lag=timedelta(days=3),
    revised_for=timedelta(days=28),
    stale_after=timedelta(days=14),
)


def _dataset(
    name: str,
    description: str,
    positions: tuple[Column, ...],
    fetch: Callable[[Window, Client], Iterator[Body]],
    parse: Callable[[Body], pl.DataFrame],
    docs_url: str,
) -> Dataset:
    return Dataset(
        provider=PROVIDER,
        name=name,
        subject="institutions",
        description=description,
        grain="one row per contract and report date",
        columns=(*_IDENTITY, *positions, _TRADERS),
        key=("contract_code", "report_date"),
        time_column="report_date",
        period=timedelta(days=1),
        cadence=_CADENCE,
        starts_on=date(2018, 4, 10),
        fetch=fetch,
        parse=parse,
        docs_url=docs_url,
        available_at=_RELEASED_AT,
    )


_RELEASED_AT = _released_at()

TFF_FUTURES = _dataset(
    "tff_futures",
    "Who holds CME Bitcoin and Ether futures: dealers, asset managers, leveraged funds and others, weekly.",
    _position_columns({
        "dealer": "dealers",
        "asset_manager": "asset managers and other institutions",
        "leveraged_fund": "leveraged funds",
        "other_reportable": "other traders large enough to report",
        "nonreportable": "traders too small to report",
    }),
    fetch_tff_futures,
    parse_tff_futures,
    "https://publicreporting.cftc.gov/Commitments-of-Traders/TFF-Futures-Only/gpe5-46if",
)  # fmt: skip

LEGACY_FUTURES = _dataset(
    "legacy_futures",
    "Who holds CME Bitcoin and Ether futures: commercial and non-commercial traders, weekly.",
    _position_columns({
        "noncommercial": "non-commercial traders",
        "commercial": "commercial traders",
        "nonreportable": "traders too small to report",
    }),
    fetch_legacy_futures,
    parse_legacy_futures,
    "https://publicreporting.cftc.gov/Commitments-of-Traders/Legacy-Futures-Only/6dca-aqww",
)  # fmt: skip

DATASETS = (TFF_FUTURES, LEGACY_FUTURES)
