"""DefiLlama: pegs, the day that is not over, hacks as people write them."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from sources.dataset import Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.providers.defillama import (
    CHAINS,
    CHAINS_TVL,
    HACKS,
    PRICED_COINS,
    STABLECOIN_PRICES,
    STABLECOIN_SUPPLY,
    STABLECOINS,
    STABLECOINS_NOW,
    TVL,
)
from tests.unit.sources import wire
from tests.unit.sources.wire import at, fetched

DAY = 1720396800  # 2024-07-08


def supply(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    body = wire.body(STABLECOIN_SUPPLY.table, content=json.dumps(rows))
    return STABLECOIN_SUPPLY.conform(STABLECOIN_SUPPLY.parse(body)).to_dicts()


def hacks(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return HACKS.conform(HACKS.parse(wire.body(HACKS.table, content=json.dumps(rows)))).to_dicts()


def test_every_coin_is_asked_for_by_id() -> None:
    asked: list[str] = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["stablecoin"])
        return httpx.Response(200, content=wire.stored(STABLECOIN_SUPPLY.table))

    bodies, error = fetched(STABLECOIN_SUPPLY, provider)
    assert error is None
    assert asked == list(STABLECOINS)
    symbols = [STABLECOIN_SUPPLY.parse(body)["symbol"][0] for body in bodies]
    assert symbols == ["USDT", "USDC", "BUSD", "DAI", "TUSD", "FDUSD", "PYUSD", "USDe", "USDS"]
    assert len(PRICED_COINS) == len(STABLECOINS)


def test_one_coin_failing_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.params["stablecoin"] in ("2", "146"):
            return httpx.Response(404, text="no such coin")
        return httpx.Response(200, content=wire.stored(STABLECOIN_SUPPLY.table))

    bodies, error = fetched(STABLECOIN_SUPPLY, provider)
    assert len(bodies) == 7
    assert isinstance(error, Rejected)
    assert "USDC: " in str(error)
    assert "USDe: " in str(error)
    assert [one.body.request.param("stablecoin") for one in (error, *error.others) if one.body] == ["2", "146"]


def test_a_used_up_allowance_ends_the_fetch_at_once() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["stablecoin"])
        if len(asked) > 1:
            return httpx.Response(429)
        return httpx.Response(200, content=wire.stored(STABLECOIN_SUPPLY.table))

    bodies, error = fetched(STABLECOIN_SUPPLY, provider)
    assert len(bodies) == 1
    assert isinstance(error, RateLimited)
    assert set(asked) == {"1", "2"}, "the third coin would have been refused, too"


def test_the_peg_is_read_from_the_key() -> None:
    (row,) = supply({"date": DAY, "totalCirculating": {"peggedEUR": 5}, "totalCirculatingUSD": {"peggedEUR": 6}})
    assert (row["peg_type"], row["circulating_units"], row["circulating_usd"]) == ("peggedEUR", 5.0, 6.0)


def test_no_supply_under_any_peg_is_null() -> None:
    (row,) = supply({"date": DAY, "totalCirculating": {}, "totalCirculatingUSD": {}})
    assert (row["peg_type"], row["circulating_units"], row["circulating_usd"]) == (None, None, None)


def test_supply_under_two_pegs_is_malformed() -> None:
    with pytest.raises(Malformed, match="one peg"):
        supply({"date": DAY, "totalCirculating": {"peggedUSD": 1, "peggedEUR": 1}, "totalCirculatingUSD": {}})


def test_the_day_that_is_not_over_is_left_out() -> None:
    assert STABLECOIN_SUPPLY.parse(wire.body(STABLECOIN_SUPPLY.table))["day"].max() == date(2024, 7, 9)
    assert STABLECOIN_PRICES.parse(wire.body(STABLECOIN_PRICES.table))["day"].max() == date(2024, 7, 9)
    assert TVL.parse(wire.body(TVL.table))["day"].max() == date(2024, 7, 9)
    later = wire.body(STABLECOIN_SUPPLY.table, retrieved_at=wire.at("2024-07-11"))
    assert STABLECOIN_SUPPLY.parse(later)["day"].max() == date(2024, 7, 10)


def test_only_the_listed_coins_and_dated_prices_are_kept() -> None:
    frame = STABLECOIN_PRICES.parse(wire.body(STABLECOIN_PRICES.table))
    assert set(frame["coin"]) <= set(PRICED_COINS)
    assert frame["day"].min() == date(2024, 7, 8), "the element dated 0 is gone"


def test_milliseconds_where_seconds_were_are_malformed() -> None:
    with pytest.raises(Malformed, match="unit of time"):
        TVL.parse(wire.body(TVL.table, content=json.dumps([{"date": DAY * 1000, "tvl": 1}])))


def test_a_hack_without_a_technique_is_called_unknown_and_without_a_loss_is_null() -> None:
    (row,) = hacks({"date": DAY, "name": "Somebody", "amount": None, "chain": None, "bridgeHack": False})
    assert (row["technique"], row["loss_usd"], row["chains"], row["is_bridge"]) == ("unknown", None, None, False)


def test_two_techniques_on_one_day_are_two_rows() -> None:
    rows = hacks(*({"date": DAY, "name": "Somebody", "amount": 1, "technique": how} for how in ("Phishing", "Rug")))
    assert [row["technique"] for row in rows] == ["Phishing", "Rug"]


def test_amounts_a_million_times_too_large_fail_the_list() -> None:
    with pytest.raises(Malformed, match=r"'Somebody' is said to have lost 1\.5e\+15"):
        hacks({"date": DAY, "name": "Somebody", "amount": 1.5e15})


@pytest.mark.parametrize("chain", ["Ethereum", [None], {"name": "Ethereum"}])
def test_chains_in_another_shape_are_malformed(chain: object) -> None:
    with pytest.raises(Malformed, match="chain"):
        hacks({"date": DAY, "name": "Somebody", "amount": 1, "chain": chain})


def test_an_error_object_where_a_list_is_due_is_malformed() -> None:
    for dataset in (STABLECOIN_SUPPLY, STABLECOIN_PRICES, HACKS, TVL):
        with pytest.raises(Malformed, match="expected a list"):
            dataset.parse(wire.body(dataset.table, content='{"message":"Internal server error"}'))


def test_an_empty_list_is_no_rows() -> None:
    for dataset in (STABLECOIN_SUPPLY, STABLECOIN_PRICES, HACKS, TVL):
        assert dataset.conform(dataset.parse(wire.body(dataset.table, content="[]"))).is_empty()


def test_each_chain_is_asked_for_and_named_after_its_address() -> None:
    bodies, error = fetched(CHAINS_TVL, lambda _: httpx.Response(200, content=wire.stored(CHAINS_TVL.table)))
    assert error is None
    assert [CHAINS_TVL.parse(body)["chain"][0] for body in bodies] == list(CHAINS)
    assert CHAINS_TVL.parse(bodies[0])["day"].to_list() == [date(2024, 7, 8), date(2024, 7, 9)], "today is not over"


def test_a_chain_that_is_not_known_does_not_cost_the_others() -> None:
    def provider(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/Tron"):
            return httpx.Response(400, text="Chain not found")
        return httpx.Response(200, content=wire.stored(CHAINS_TVL.table))

    bodies, error = fetched(CHAINS_TVL, provider)
    assert len(bodies) == len(CHAINS) - 1
    assert isinstance(error, Rejected)
    assert "Tron: " in str(error)


def test_every_listed_coin_is_kept_with_or_without_supply_and_price() -> None:
    rows = STABLECOINS_NOW.conform(STABLECOINS_NOW.parse(wire.body(STABLECOINS_NOW.table)))
    assert set(rows["observed_at"]) == {wire.NOW}
    assert rows.select("symbol", "peg_type", "circulating_units", "price_usd").rows() == [
        ("USDC", "peggedUSD", 33_000_000_000.5, 0.9998),
        ("EURC", "peggedEUR", 35_000_000.0, 1.08),
        ("GONE", "peggedUSD", 0.0, None),
        ("UNL", "peggedVAR", None, None),
    ]


@pytest.mark.parametrize(
    "text", ["[]", '{"message":"busy"}', '{"peggedAssets":[{"id":"1","symbol":"A","name":"a","pegType":"x"}]}']
)
def test_a_list_of_stablecoins_that_is_not_as_expected_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        STABLECOINS_NOW.parse(wire.body(STABLECOINS_NOW.table, content=text))


def test_the_list_of_stablecoins_is_asked_for_now_and_never_for_the_past() -> None:
    def asked(end: timedelta) -> int:
        window = Window(at("2024-06-01"), wire.NOW + end)
        stored = wire.stored(STABLECOINS_NOW.table)
        return len(fetched(STABLECOINS_NOW, lambda _: httpx.Response(200, content=stored), window=window)[0])

    assert asked(timedelta(0)) == asked(-timedelta(minutes=5)) == 1
    assert asked(-timedelta(days=1)) == 0
