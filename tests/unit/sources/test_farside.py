"""Farside: the table, its pending row, and two pages that do not cost each other."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from sources.dataset import Request, Window
from sources.errors import Blocked, Malformed
from sources.providers.farside import ETF_FLOWS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = ETF_FLOWS.table
CHALLENGE = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body></body></html>"


def page(*rows: str, tickers: str = "IBIT GBTC", total: bool = True) -> str:
    def line(cells: list[str], tag: str = "td") -> str:
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"

    head = line(["", *tickers.split(), ""], "th") + line(["Fee", *("0.2%" for _ in tickers.split()), ""], "th")
    body = "".join(line(row.split("|")) for row in rows)
    end = line(["Total", *("1" for _ in tickers.split()), "2"]) if total else ""
    return f'<html><table class="etf"><thead>{head}</thead><tbody>{body}{end}</tbody></table></html>'


def parse(content: str, path: str = "/btc/") -> list[dict[str, object]]:
    body = wire.body(TABLE, content=content, request=Request(f"https://farside.co.uk{path}"))
    return ETF_FLOWS.conform(ETF_FLOWS.parse(body)).to_dicts()


def test_the_stored_page() -> None:
    flows = {(r["session_date"], r["ticker"]): r for r in parse(wire.stored(TABLE).decode())}
    assert {r["asset"] for r in flows.values()} == {"btc"}
    assert {session for session, _ in flows} == {date(2024, 7, 5), date(2024, 7, 8), date(2024, 7, 9)}
    assert flows[date(2024, 7, 5), "IBIT"]["net_flow_usd"] == 1_119_900_000
    assert flows[date(2024, 7, 5), "GBTC"]["net_flow_usd"] == -44_500_000
    assert flows[date(2024, 7, 8), "IBIT"]["net_flow_usd"] == 0
    assert flows[date(2024, 7, 8), "BTC"]["net_flow_usd"] == 1_100_000
    assert flows[date(2024, 7, 8), "BTC"]["session_total_usd"] == -1_049_000_000


def test_a_fund_that_has_not_reported_is_null_and_not_zero() -> None:
    rows = parse(page("05 Jul 2024|1.0|-|1.0"))
    assert [row["net_flow_usd"] for row in rows] == [1_000_000, None]
    assert [row["session_total_usd"] for row in rows] == [1_000_000, 1_000_000]


def test_the_total_of_a_pending_session_is_null_although_the_page_says_zero() -> None:
    rows = parse(page("05 Jul 2024|-|-|0.0"))
    assert [(row["net_flow_usd"], row["session_total_usd"]) for row in rows] == [(None, None)] * 2


def test_a_real_zero_session_stays_zero() -> None:
    rows = parse(page("05 Jul 2024|0.0|0.0|0.0"))
    assert [(row["net_flow_usd"], row["session_total_usd"]) for row in rows] == [(0, 0)] * 2


def test_a_new_fund_is_rows_and_not_a_new_column() -> None:
    assert [r["ticker"] for r in parse(page("05 Jul 2024|1.0|2.0|3.0|6.0", tickers="IBIT MSBT GBTC"))] == [
        "IBIT",
        "MSBT",
        "GBTC",
    ]


def test_the_seed_row_of_the_ether_page_is_not_a_session() -> None:
    rows = parse(page("Seed|10.0|20.0|30.0", "05 Jul 2024|1.0|2.0|3.0"), "/eth/")
    assert {(row["asset"], row["session_date"]) for row in rows} == {("eth", date(2024, 7, 5))}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (page("5/7/2024|1.0|2.0|3.0"), "neither a session nor a known summary"),
        (page("31 Jun 2024|1.0|2.0|3.0"), "neither a session nor a known summary"),
        (page("Median|1.0|2.0|3.0"), "neither a session nor a known summary"),
        (page("05 Jul 2024|1.0|3.0"), "has 2 cells for 2 funds and a total"),
        (page("05 Jul 2024|1.0|2.0 *|3.0"), "'2.0 [*]' is not an amount"),
        (page("05 Jul 2024|1,00.0|2.0|3.0"), "is not an amount"),
        (page("05 Jul 2024|1.0|2.0|3.0", tickers="IBIT IBIT"), "heads two columns"),
        (page("05 Jul 2024|1.0|2.0|3.0", tickers="ibit gbtc"), "no row of tickers"),
        (page("05 Jul 2024|1.0|2.0|3.0", total=False), "cut off"),
        ("<html><p>moved</p></html>", "0 tables of class etf"),
    ],
)
def test_a_table_that_is_not_as_expected_is_malformed(content: str, problem: str) -> None:
    with pytest.raises(Malformed, match=problem):
        parse(content)


@pytest.mark.parametrize(
    ("window", "pages"),
    [
        (wire.WINDOW, ["/btc/", "/eth/"]),
        (
            Window(at("2024-06-20"), wire.NOW),
            ["/bitcoin-etf-flow-all-data/", "/btc/", "/ethereum-etf-flow-all-data/", "/eth/"],
        ),
        (Window(at("2024-06-01"), at("2024-07-01")), ["/bitcoin-etf-flow-all-data/", "/ethereum-etf-flow-all-data/"]),
    ],
    ids=["recent", "up to now", "past"],
)
def test_short_windows_read_the_short_pages_and_long_ones_the_whole_history_too(
    window: Window, pages: list[str]
) -> None:
    paths: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.path)
        return httpx.Response(200, html=page("05 Jul 2024|1.0|2.0|3.0"))

    _, error = fetched(ETF_FLOWS, provider, window=window)
    assert error is None
    assert paths == pages


def test_a_challenge_on_a_short_page_does_not_cost_the_whole_history() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/btc/":
            return httpx.Response(403, html=CHALLENGE)
        return httpx.Response(200, html=page("05 Jul 2024|1.0|2.0|3.0"))

    bodies, error = fetched(ETF_FLOWS, provider, window=Window(at("2024-06-20"), wire.NOW))
    assert [body.request.url.removeprefix("https://farside.co.uk") for body in bodies] == [
        "/bitcoin-etf-flow-all-data/",
        "/ethereum-etf-flow-all-data/",
        "/eth/",
    ]
    assert isinstance(error, Blocked)
    assert "btc, recent sessions: " in str(error)


@pytest.mark.parametrize("status", [403, 503, 200])
def test_a_challenge_on_one_page_does_not_cost_the_other(status: int) -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/btc/":
            return httpx.Response(status, html=CHALLENGE)
        return httpx.Response(200, html=page("05 Jul 2024|1.0|2.0|3.0"))

    bodies, error = fetched(ETF_FLOWS, provider)
    assert [body.request.url for body in bodies] == ["https://farside.co.uk/eth/"]
    assert isinstance(error, Blocked)
    assert "btc" in str(error)
    assert "challenge" in str(error)


def test_both_pages_failing_names_both() -> None:
    bodies, error = fetched(ETF_FLOWS, lambda _: httpx.Response(403, html=CHALLENGE))
    assert bodies == []
    assert isinstance(error, Blocked)
    assert "btc: " in str(error)
    assert "eth: " in str(error)
    assert len(error.others) == 1


def test_a_session_is_knowable_eight_hours_after_the_close_in_new_york() -> None:
    frame = ETF_FLOWS.parse(wire.body(TABLE, content=page("05 Jul 2024|1.0|2.0|3.0", "05 Jan 2024|1.0|2.0|3.0")))
    known = frame.unique("session_date", maintain_order=True).select(ETF_FLOWS.knowable_at()).to_series().to_list()
    assert known == [at("2024-07-06 04:00"), at("2024-01-06 05:00")]
