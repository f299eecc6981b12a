"""CoinGecko treasuries: a list without history, its pages, and the ways it asks for a pause."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import pytest

from sources.dataset import Request, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected
from sources.http import Transport
from sources.providers.coingecko import COINS, PUBLIC_TREASURIES
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

TABLE = PUBLIC_TREASURIES.table
TOO_OLD = {"error": {"status": {"error_code": 10012, "error_message": "Your request exceeds the allowed time range."}}}


def companies(first: int, count: int) -> dict[str, object]:
    rows = [
        {"name": f"Company {n}", "symbol": f"C{n}", "country": "US", "total_holdings": 1.5}
        for n in range(first, first + count)
    ]
    return {"total_holdings": 1, "companies": rows}


def test_the_list_of_each_coin_is_taken() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=wire.stored(TABLE))

    bodies, error = fetched(PUBLIC_TREASURIES, provider)
    assert error is None
    assert asked == [f"/api/v3/companies/public_treasury/{coin}" for coin in COINS]
    assert [PUBLIC_TREASURIES.parse(body)["asset"].unique().item() for body in bodies] == ["btc", "eth"]


def test_a_window_in_the_past_asks_nothing_and_one_that_waited_a_little_does() -> None:
    def provider(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=wire.stored(TABLE))

    past = Window(at("2024-05-01"), at("2024-06-01"))
    assert fetched(PUBLIC_TREASURIES, provider, window=past) == ([], None)
    # The clock goes on between the moment a window is drawn and the moment it is asked for.
    bodies, _ = fetched(PUBLIC_TREASURIES, provider, now=wire.WINDOW.end + timedelta(minutes=3))
    assert len(bodies) == len(COINS)


def test_pages_go_on_until_one_is_not_full() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        first = 250 * (int(request.url.params["page"]) - 1)
        return httpx.Response(200, json=companies(first, min(250, 500 - first)))

    bodies, error = fetched(PUBLIC_TREASURIES, provider)
    assert error is None
    assert [PUBLIC_TREASURIES.parse(body).height for body in bodies] == [250, 250, 0] * len(COINS)
    names = [name for body in bodies[:3] for name in PUBLIC_TREASURIES.parse(body)["entity"]]
    assert len(names) == len(set(names)) == 500


def test_a_provider_that_does_not_page_ends_in_an_error() -> None:
    bodies, error = fetched(PUBLIC_TREASURIES, lambda _: httpx.Response(200, json=companies(0, 250)))
    assert isinstance(error, Malformed)
    assert "the same as the one before" in str(error)
    assert len(bodies) == 2 * len(COINS)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(429, json={"status": {"error_code": 429, "error_message": "slow down"}}), RateLimited),
        (httpx.Response(200, json={"status": {"error_code": 429, "error_message": "slow down"}}), RateLimited),
        (httpx.Response(429, text="error code: 1015"), RateLimited),
        (httpx.Response(200, text="error code: 1015"), RateLimited),
        (httpx.Response(401, json=TOO_OLD), Rejected),
        (httpx.Response(200, json=TOO_OLD), Rejected),
        (httpx.Response(404, json={"error": "coin not found"}), Rejected),
        (httpx.Response(200, json={"error": "coin not found"}), Rejected),
        (httpx.Response(403, text="error code: 1020"), Blocked),
        (httpx.Response(200, json={"total_holdings": 0}), Malformed),
        (httpx.Response(200, json=[]), Malformed),
    ],
)
def test_errors(answer: httpx.Response, kind: type[Exception]) -> None:
    def provider(_: httpx.Request) -> httpx.Response:
        return httpx.Response(answer.status_code, content=answer.read())

    bodies, error = fetched(PUBLIC_TREASURIES, provider)
    assert isinstance(error, kind)
    for body in bodies:
        with pytest.raises(kind):
            PUBLIC_TREASURIES.parse(body)


def test_a_key_is_sent_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str | None] = []

    def provider(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers.get("x-cg-demo-api-key"))
        return httpx.Response(200, content=wire.stored(TABLE))

    for value, expected in (("", None), ("very-secret", "very-secret")):
        monkeypatch.setenv("COINGECKO_API_KEY", value)
        keys.clear()
        with Transport(now=lambda: wire.NOW, transport=httpx.MockTransport(provider), paced=False) as transport:
            list(PUBLIC_TREASURIES.fetch(wire.WINDOW, transport.client(PUBLIC_TREASURIES, wire.WINDOW)))
        assert keys == [expected] * len(COINS)


def test_a_cost_of_nothing_is_one_nobody_knows() -> None:
    rows = PUBLIC_TREASURIES.conform(PUBLIC_TREASURIES.parse(wire.body(TABLE)))
    assert rows["entry_value_usd"].to_list() == [1.1e9, None]
    assert rows["holdings_coin"].to_list() == [30200.5, 1500.0]
    assert rows["observed_at"].to_list() == [wire.NOW] * 2


def test_the_time_is_that_of_the_answer_to_the_minute() -> None:
    body = wire.body(TABLE, retrieved_at=wire.NOW + timedelta(minutes=7, seconds=41, microseconds=9))
    assert PUBLIC_TREASURIES.parse(body)["observed_at"].unique().to_list() == [at("2024-07-10 12:07")]


def test_a_company_without_country_or_ticker_is_one_all_the_same_and_one_without_coins_is_not() -> None:
    company = {"name": "A", "symbol": None, "country": None, "total_holdings": 2}
    row = PUBLIC_TREASURIES.parse(wire.body(TABLE, content=json.dumps({"companies": [company]}))).row(0, named=True)
    assert (row["ticker"], row["country"], row["holdings_coin"]) == ("", None, 2.0)
    content = json.dumps({"companies": [{**company, "total_holdings": None}]})
    with pytest.raises(Malformed, match="holdings_coin is blank"):
        PUBLIC_TREASURIES.parse(wire.body(TABLE, content=content))


def test_a_list_of_another_coin_is_malformed() -> None:
    request = Request("https://api.coingecko.com/api/v3/companies/public_treasury/dogecoin")
    with pytest.raises(Malformed, match="no coin of this dataset"):
        PUBLIC_TREASURIES.parse(wire.body(TABLE, request=request))
