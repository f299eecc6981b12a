"""Coinalyze: many markets in one answer, the ones that are silently left out, open bars, and the key."""

from __future__ import annotations

from datetime import date

import httpx
import pytest

from sources.dataset import Dataset, Window
from sources.errors import Blocked, Malformed, RateLimited, Rejected
from sources.http import Transport
from sources.providers.coinalyze import FUNDING_RATES, LIQUIDATIONS, OPEN_INTEREST, PROVIDER, SYMBOLS
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

ALL = pytest.mark.parametrize("dataset", [OPEN_INTEREST, FUNDING_RATES, LIQUIDATIONS], ids=lambda one: one.name)
BAR = {"t": 1720396800, "o": 4, "h": 6, "l": 3, "c": 5, "s": 2}
BARS = {
    OPEN_INTEREST.name: {key: BAR[key] for key in "tohlc"},
    FUNDING_RATES.name: {key: BAR[key] for key in "tohlc"},
    LIQUIDATIONS.name: {key: BAR[key] for key in "tls"},
}


@ALL
def test_all_markets_are_asked_for_at_once_in_seconds_with_both_bounds_included(dataset: Dataset) -> None:
    asked: list[httpx.Request] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        history = [BARS[dataset.name]]
        return httpx.Response(200, json=[{"symbol": symbol, "history": history} for symbol in SYMBOLS])

    bodies, error = fetched(dataset, provider)
    assert error is None
    (request,) = asked
    query = dict(request.url.params)
    assert query["symbols"].split(",") == list(SYMBOLS)
    assert (int(query["from"]), int(query["to"])) == (int(at("2024-07-01").timestamp()), int(wire.NOW.timestamp()) - 1)
    assert query["interval"] == "daily"
    # Without it each market would come in a unit of its own.
    assert query.get("convert_to_usd") == (None if dataset is FUNDING_RATES else "true")
    assert dataset.parse(bodies[0])["symbol"].to_list() == list(SYMBOLS)


def test_the_pace_leaves_room_for_what_a_request_costs() -> None:
    (rate,) = PROVIDER.rates
    calls_a_minute = 60 / rate.seconds * rate.requests * len(SYMBOLS)
    assert calls_a_minute <= 40
    assert len(SYMBOLS) <= 20


def test_the_key_goes_into_a_header_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINALYZE_API_KEY", "very-secret")
    headers: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        headers.append(request.headers["api_key"])
        assert "very-secret" not in str(request.url)
        return httpx.Response(200, json=[{"symbol": symbol, "history": [BARS["liquidations"]]} for symbol in SYMBOLS])

    with Transport(now=lambda: wire.NOW, transport=httpx.MockTransport(provider), paced=False) as transport:
        (body,) = LIQUIDATIONS.fetch(wire.WINDOW, transport.client(LIQUIDATIONS, wire.WINDOW))
    assert headers == ["very-secret"]
    assert "very-secret" not in str(body.request)


def test_no_key_is_said_before_anything_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COINALYZE_API_KEY", raising=False)
    nobody = httpx.MockTransport(lambda _: pytest.fail("nothing is asked without a key"))
    with (
        Transport(now=lambda: wire.NOW, transport=nobody, paced=False) as transport,
        pytest.raises(Rejected, match="COINALYZE_API_KEY"),
    ):
        list(LIQUIDATIONS.fetch(wire.WINDOW, transport.client(LIQUIDATIONS, wire.WINDOW)))


def test_a_market_that_is_left_out_today_is_told_and_the_others_are_kept() -> None:
    served = [{"symbol": symbol, "history": [BARS["liquidations"]]} for symbol in SYMBOLS[1:]]
    bodies, error = fetched(LIQUIDATIONS, lambda _: httpx.Response(200, json=served))
    assert isinstance(error, Rejected)
    assert f"nothing on {SYMBOLS[0]}" in str(error)
    assert LIQUIDATIONS.parse(bodies[0]).height == len(SYMBOLS) - 1


def test_an_empty_list_is_told_too() -> None:
    bodies, error = fetched(LIQUIDATIONS, lambda _: httpx.Response(200, json=[]))
    assert isinstance(error, Rejected)
    assert len(bodies) == 1


def test_a_market_that_did_not_exist_years_ago_is_no_fault() -> None:
    served = [{"symbol": SYMBOLS[0], "history": [BARS["liquidations"]]}]
    window = Window(at("2020-01-01"), at("2022-01-01"))
    _, error = fetched(LIQUIDATIONS, lambda _: httpx.Response(200, json=served), window=window)
    assert error is None


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(400, json={"message": "Bad parameter"}), Rejected),
        (httpx.Response(401, json={"message": "Invalid/Missing API key"}), Rejected),
        (httpx.Response(200, json={"message": "Bad parameter"}), Rejected),
        (httpx.Response(429, headers={"Retry-After": "600"}, json={"message": "Too many"}), RateLimited),
        (httpx.Response(403, text="no"), Blocked),
        (httpx.Response(200, json=[{"symbol": "BTCUSDT_PERP.A"}]), Malformed),
        (httpx.Response(200, json=[{"symbol": "BTCUSDT_PERP.A", "history": {}}]), Malformed),
    ],
)
@ALL
def test_errors(dataset: Dataset, answer: httpx.Response, kind: type[Exception]) -> None:
    def provider(_: httpx.Request) -> httpx.Response:
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.read())

    _, error = fetched(dataset, provider)
    assert isinstance(error, kind)


def test_the_bar_of_today_is_open_and_left_out() -> None:
    days = OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table)).select("symbol", "day").rows()
    assert days == [
        ("BTCUSDT_PERP.A", date(2024, 7, 8)),
        ("BTCUSDT_PERP.A", date(2024, 7, 9)),
        ("BTCUSDT.6", date(2024, 7, 8)),
    ]


def test_open_interest_is_that_of_the_end_of_the_day() -> None:
    row = OPEN_INTEREST.parse(wire.body(OPEN_INTEREST.table)).row(0, named=True)
    assert (row["open_interest_open_usd"], row["open_interest_usd"]) == (510.5, 512.25)
    assert (row["open_interest_low_usd"], row["open_interest_high_usd"]) == (505.75, 530.0)


def test_funding_stays_per_cent() -> None:
    assert FUNDING_RATES.parse(wire.body(FUNDING_RATES.table))["funding_rate_close_pct"].to_list()[:2] == [
        0.0125,
        -0.0031,
    ]


@pytest.mark.parametrize("stamp", [1720400400, 1720396800000])
def test_bars_of_hours_or_milliseconds_are_malformed(stamp: int) -> None:
    content = f'[{{"symbol":"BTCUSDT.6","history":[{{"t":{stamp},"l":1,"s":2}}]}}]'
    with pytest.raises(Malformed):
        LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, content=content))


def test_a_bar_without_a_figure_is_malformed() -> None:
    content = '[{"symbol":"BTCUSDT.6","history":[{"t":1720396800,"l":null,"s":2}]}]'
    with pytest.raises(Malformed, match="long_liquidations_usd is blank"):
        LIQUIDATIONS.parse(wire.body(LIQUIDATIONS.table, content=content))
