"""iShares: a preamble above a table, the newest session alone, and a page for people under HTTP 200."""

from __future__ import annotations

from datetime import date, timedelta

import httpx
import polars as pl
import pytest

from sources.dataset import Request, Window
from sources.errors import Blocked, Malformed
from sources.providers.ishares import TRUST_HOLDINGS, TRUSTS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = TRUST_HOLDINGS.table
STORED = wire.stored(TABLE).decode()


def parse(text: str, trust: int = 0) -> pl.DataFrame:
    request = Request(f"https://www.ishares.com{TRUSTS[trust].path}")
    return TRUST_HOLDINGS.parse(wire.body(TABLE, content=text, request=request))


def test_the_stored_file() -> None:
    assert parse(STORED).to_dicts() == [
        {
            "ticker": "IBIT",
            "session_date": date(2024, 7, 9),
            "asset": "btc",
            "shares_outstanding_count": 540_280_000,
            "holdings_coin": 310_250.5,
            "holdings_usd": 17_900_123_456.78,
            "cash_usd": 21_827.32,
        }
    ]


def test_the_ether_trust_has_the_same_shape() -> None:
    text = STORED.replace('"BTC","BITCOIN"', '"ETH","ETHER"').replace('"310,250.50000","BTC"', '"310,250.50000","ETH"')
    rows = parse(text, trust=1)
    assert rows.select("ticker", "asset", "holdings_coin").row(0) == ("ETHA", "eth", 310_250.5)


def test_the_file_of_another_trust_is_malformed() -> None:
    with pytest.raises(Malformed, match="0 rows of ETH among the holdings of ETHA"):
        parse(STORED, trust=1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"Jul 09, 2024"', '"-"', "Fund Holdings as of '-': not a day"),
        ('"Jul 09, 2024"', '"09/07/2024"', "not a day"),
        ("Fund Holdings as of", "Holdings as of", "Fund Holdings as of '': not a day"),
        ('"540,280,000.00"', '"-"', "Shares Outstanding '-': not a whole number"),
        ('"540,280,000.00"', '"540,280,000.50"', "not a whole number"),
        ('"540,280,000.00"', '"5402,80000"', "not a whole number"),
        ("Shares Outstanding", "Units Outstanding", "Shares Outstanding '': not a whole number"),
        ('"310,250.50000"', '"3,1"', "3,1"),
        ('"310,250.50000"', '""', "Quantity"),
        ("Ticker,", "Symbol,", "no table of holdings"),
        ('"BTC","BITCOIN"', '"XBT","BITCOIN"', "0 rows of BTC"),
        ('"USD","USD CASH"', '"BTC","BITCOIN"', "2 rows of BTC"),
    ],
)
def test_a_file_that_is_not_as_expected_is_malformed(old: str, new: str, said: str) -> None:
    assert old in STORED
    with pytest.raises(Malformed, match=said):
        parse(STORED.replace(old, new))


def test_figures_may_come_without_commas_and_files_without_cash() -> None:
    plain = STORED.replace('"310,250.50000"', '"310250.50000"').replace('"540,280,000.00"', "540280000")
    assert parse(plain).select("holdings_coin", "shares_outstanding_count").row(0) == (310_250.5, 540_280_000)
    no_cash = "\n".join(line for line in STORED.splitlines() if "USD CASH" not in line)
    assert parse(no_cash)["cash_usd"].to_list() == [None]


def test_a_further_column_of_the_table_is_a_novelty() -> None:
    text = STORED.replace("Accrual Date\n", "Accrual Date,Staked\n").replace('"BTC","-"\n', '"BTC","-","7"\n')
    frame = parse(text.replace('"USD","-"\n', '"USD","-",""\n'))
    assert TRUST_HOLDINGS.novelties(frame) == ("Staked",)
    assert frame["Staked"].to_list() == ["7"]


def test_a_challenge_for_one_trust_does_not_cost_the_other() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if "333011" in request.url.path:
            return httpx.Response(403, html="<html>Access Denied</html>")
        return httpx.Response(200, text=STORED)

    bodies, error = fetched(TRUST_HOLDINGS, provider)
    assert ["337614" in body.request.url for body in bodies] == [True]
    assert isinstance(error, Blocked)
    assert "IBIT: " in str(error)


def test_the_past_is_not_asked_for_and_a_clock_that_goes_on_is_no_past() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=STORED)

    def asked(end: timedelta) -> int:
        return len(fetched(TRUST_HOLDINGS, provider, window=Window(at("2024-06-01"), wire.NOW + end))[0])

    assert asked(timedelta(0)) == asked(-timedelta(minutes=5)) == 2
    assert asked(-timedelta(days=2)) == 0


def test_a_session_is_knowable_the_morning_after() -> None:
    assert parse(STORED).select(TRUST_HOLDINGS.knowable_at()).item() == at("2024-07-10 13:00")
