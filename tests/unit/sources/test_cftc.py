"""CFTC: pages by offset, irregular names, and a release that no field tells."""

from __future__ import annotations

import json
from datetime import date, timedelta

import httpx
import polars as pl
import pytest

from sources.dataset import Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.providers import cftc
from sources.providers.cftc import CONTRACTS, LEGACY_FUTURES, TFF_FUTURES, released_on
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

HISTORY = Window(at("2018-04-10"), wire.NOW)
TUESDAY = date(2018, 4, 10)


def row(index: int, code: str = "133741", **changes: object) -> dict[str, object]:
    """A legacy row of the `index`-th week."""
    first = json.loads(wire.stored(LEGACY_FUTURES.table))[0]
    day = TUESDAY + timedelta(days=7 * index)
    return {
        **first,
        "report_date_as_yyyy_mm_dd": f"{day}T00:00:00.000",
        "cftc_contract_market_code": code,
        **changes,
    }


def legacy(*rows: dict[str, object]) -> pl.DataFrame:
    return LEGACY_FUTURES.parse(wire.body(LEGACY_FUTURES.table, content=json.dumps(rows)))


def test_pages_go_on_until_one_is_empty() -> None:
    asked: list[tuple[str, str]] = []
    count = dict(zip(CONTRACTS, (2_300, 1_000, 3, 0), strict=True))

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        code = query["$where"].split("'")[1]
        asked.append((code, query["$offset"]))
        assert query["$order"] == "report_date_as_yyyy_mm_dd", "an order without which offsets mean nothing"
        start = int(query["$offset"])
        end = min(start + int(query["$limit"]), count[code])
        return httpx.Response(200, json=[row(index, code) for index in range(start, end)])

    bodies, error = fetched(LEGACY_FUTURES, provider, window=HISTORY)
    assert error is None
    assert asked == [
        *(("133741", offset) for offset in ("0", "1000", "2000", "3000")),
        *(("133742", offset) for offset in ("0", "1000")),
        *(("146021", offset) for offset in ("0", "1000")),
        ("146022", "0"),
    ]
    rows = pl.concat([LEGACY_FUTURES.parse(body) for body in bodies])
    assert rows.select("contract_code", "report_date").is_unique().all()
    assert dict(rows["contract_code"].value_counts().rows()) == {"133741": 2_300, "133742": 1_000, "146021": 3}


def test_a_recent_window_asks_for_the_newest_reports_whatever_their_date() -> None:
    asked: list[httpx.QueryParams] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params)
        return httpx.Response(200, content=wire.stored(LEGACY_FUTURES.table))

    bodies, error = fetched(LEGACY_FUTURES, provider, window=Window(at("2024-06-12"), wire.NOW))
    assert error is None
    assert len(bodies) == len(CONTRACTS)
    assert dict(asked[0]) == {
        "$where": "cftc_contract_market_code='133741'",
        "$order": "report_date_as_yyyy_mm_dd DESC",
        "$limit": "7",
    }


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (400, {"message": "No such column: x", "errorCode": "query.soql.no-such-column"}, Rejected, "No such column"),
        (200, {"message": "Timeout", "error": True}, Rejected, "Timeout"),
        (429, {"message": "throttled"}, RateLimited, "pause"),
        (200, {"rows": []}, Malformed, "expected a list of objects"),
    ],
)
def test_an_error_is_typed(status: int, body: object, kind: type[Exception], said: str) -> None:
    bodies, error = fetched(LEGACY_FUTURES, lambda _: httpx.Response(status, json=body), window=HISTORY)
    assert isinstance(error, kind)
    assert said in str(error)
    assert len(bodies) == (len(CONTRACTS) if status == 200 else 0), "what came under HTTP 200 is kept as evidence"


def test_the_misspelt_spread_is_read_and_not_the_old_crop_one() -> None:
    rows = legacy(
        row(0, noncomm_postions_spread_all="310", noncomm_positions_spread="9", noncomm_positions_spread_1="8")
    )
    assert rows["noncommercial_spread_contracts"].to_list() == [310]


def test_a_value_that_was_left_out_is_null_and_a_name_that_is_gone_is_malformed() -> None:
    short = row(0)
    del short["comm_positions_short_all"]
    rows = legacy(short, row(1))
    assert rows["commercial_short_contracts"].to_list() == [None, 20]
    with pytest.raises(Malformed, match="no row holds comm_positions_short_all"):
        legacy(short)
    with pytest.raises(Malformed, match="field open_interest_all is missing"):
        legacy({name: value for name, value in row(0).items() if name != "open_interest_all"})


def test_codes_are_stripped_and_an_empty_page_is_no_rows() -> None:
    assert legacy(row(0, code="133741 "))["contract_code"].to_list() == ["133741"]
    assert LEGACY_FUTURES.conform(legacy()).is_empty()
    assert TFF_FUTURES.conform(TFF_FUTURES.parse(wire.body(TFF_FUTURES.table, content="[]"))).is_empty()


def test_a_contract_nobody_asked_for_is_malformed() -> None:
    with pytest.raises(Malformed, match="asset is blank"):
        legacy(row(0, code="088691"))


@pytest.mark.parametrize("text", ["2024-07-02T10:00:00.000", "2024-07-02", "07/02/2024", ""])
def test_a_report_date_is_a_whole_day(text: str) -> None:
    with pytest.raises(Malformed, match="start of a day"):
        legacy(row(0, report_date_as_yyyy_mm_dd=text))


def test_both_sides_of_the_stored_report_make_up_the_open_interest() -> None:
    rows = TFF_FUTURES.parse(wire.body(TFF_FUTURES.table)).head(1)
    spread = pl.sum_horizontal(
        "dealer_spread_contracts",
        "asset_manager_spread_contracts",
        "leveraged_fund_spread_contracts",
        "other_reportable_spread_contracts",
    )
    for side in ("long", "short"):
        held = rows.select(pl.sum_horizontal(f"^.*_{side}_contracts$") + spread).item()
        assert held == rows["open_interest_contracts"][0]


@pytest.mark.parametrize(
    ("report", "release"),
    [
        ("2024-07-09", "2024-07-12"),  # an ordinary week
        ("2023-07-03", "2023-07-07"),  # Monday, because Tuesday is the holiday
        ("2024-07-02", "2024-07-08"),  # 4 July is a Thursday
        ("2024-06-18", "2024-06-24"),  # Juneteenth is a Wednesday
        ("2018-06-19", "2018-06-22"),  # not a holiday yet
        ("2024-11-26", "2024-12-02"),  # Thanksgiving
        ("2024-12-24", "2024-12-30"),
        ("2021-12-28", "2022-01-03"),  # New Year is a Saturday, kept on Friday
        ("2023-11-07", "2023-11-13"),  # Veterans Day is a Saturday, kept on Friday
        ("2022-11-08", "2022-11-14"),
        ("2025-01-07", "2025-01-13"),  # a day of mourning
        ("2019-03-05", "2019-03-08"),  # current again after the shutdown
        ("2023-03-21", "2023-03-24"),  # current again after the incident at ION
        ("2025-09-23", "2025-09-26"),  # the last before the shutdown
        ("2025-10-07", "2025-11-21"),
        ("2025-11-10", "2025-12-10"),  # overtaken schedule: the 12th
        ("2025-12-30", "2026-01-05"),  # current again
        ("2026-06-16", "2026-06-22"),
        ("2026-06-30", "2026-07-06"),
    ],
)
def test_release_days(report: str, release: str) -> None:
    assert released_on(date.fromisoformat(report)) == date.fromisoformat(release)


def test_releases_that_were_late_come_in_order_and_after_their_week() -> None:
    reports = sorted(cftc.RELEASED_LATE)
    releases = [cftc.RELEASED_LATE[report] for report in reports]
    assert releases == sorted(releases)
    assert len(set(releases)) == len(releases)
    for report, release in cftc.RELEASED_LATE.items():
        assert report.weekday() in (0, 1)
        assert release > report + timedelta(days=5)


def test_a_report_is_knowable_at_half_past_three_in_new_york_on_its_release_day() -> None:
    reports = ["2024-07-09", "2024-01-09", "2025-10-07", "2025-11-10", "2024-07-02"]
    body = wire.body(
        LEGACY_FUTURES.table,
        content=json.dumps([row(0, report_date_as_yyyy_mm_dd=f"{report}T00:00:00.000") for report in reports]),
    )
    known = LEGACY_FUTURES.parse(body).select(LEGACY_FUTURES.knowable_at()).to_series().to_list()
    assert known == [
        at("2024-07-12 19:30"),
        at("2024-01-12 20:30"),
        at("2025-11-21 20:30"),
        at("2025-12-10 20:30"),
        at("2024-07-08 19:30"),
    ]


def test_the_expression_agrees_with_the_rule_on_every_report_day() -> None:
    days = [date(2018, 4, 10) + timedelta(days=7 * week + shift) for week in range(1_000) for shift in (0, -1)]
    frame = pl.DataFrame({"report_date": days})
    said = frame.select(
        TFF_FUTURES.available_at.dt.convert_time_zone("America/New_York").alias("released_at")  # type: ignore[union-attr]
    )["released_at"]
    assert said.dt.date().to_list() == [released_on(day) for day in days]
    assert set(said.dt.time().cast(pl.String)) == {"15:30:00"}


def test_rows_that_a_server_cuts_out_between_two_pages_are_missed() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params["$offset"])
        return httpx.Response(200, json=[row(index, "133741") for index in range(start, min(start + 400, 2_000))])

    bodies, error = fetched(LEGACY_FUTURES, provider, window=HISTORY)
    assert isinstance(error, Malformed)
    assert "rows were cut" in str(error)
    assert len(bodies) == 8, "two pages a contract are kept as evidence"
