"""Gate: paging by time, the hour that is not settled yet, labels, contract sizes."""

from __future__ import annotations

import json
from datetime import timedelta

import httpx
import polars as pl
import pytest

from sources.dataset import Window
from sources.errors import Malformed, RateLimited, Rejected
from sources.providers.gate import CONTRACT_STATS, CONTRACTS
from tests.unit.sources import wire
from tests.unit.sources.wire import NOW, at, fetched

STATS = json.loads(wire.stored("gate__contract_stats"))
HOUR_S = 3600


def row(moment_s: int, **changes: object) -> dict[str, object]:
    return {**STATS[0], "time": moment_s, **changes}


def hours_of(bodies: list[object], symbol: str) -> list[object]:
    frames = [CONTRACT_STATS.parse(body) for body in bodies]  # type: ignore[arg-type]
    rows = pl.concat(frames).filter(pl.col("symbol") == symbol)
    return rows["opened_at"].to_list()


@pytest.mark.parametrize("is_by_span", [True, False])
def test_spans_follow_each_other_over_a_hole(is_by_span: bool) -> None:
    start, end = at("2024-01-01"), at("2024-07-01")
    hole = range(int(at("2024-02-10").timestamp()), int(at("2024-02-12").timestamp()))
    history = [s for s in range(int(start.timestamp()), int(end.timestamp()), HOUR_S) if s not in hole]
    asked: list[tuple[str, int, int]] = []

    def provider(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        first, limit = int(query["from"]), int(query["limit"])
        asked.append((query["contract"], first, limit))
        if is_by_span:
            due = [s for s in history if first <= s <= first + limit * HOUR_S]
        else:
            due = [s for s in history if first <= s][: limit + 1]
        return httpx.Response(200, json=[row(s) for s in due])

    bodies, error = fetched(CONTRACT_STATS, provider, window=Window(start, end))
    assert error is None
    assert max(limit for _, _, limit in asked) <= 2000
    for symbol in ("BTC_USDT", "ETH_USDT"):
        hours = hours_of(bodies, symbol)
        assert len(hours) == len(set(hours)) == len(history), "each hour once, none lost behind the hole"


def test_a_window_before_the_history_has_no_rows() -> None:
    bodies, error = fetched(CONTRACT_STATS, lambda _: httpx.Response(200, json=[]))
    assert error is None
    assert [CONTRACT_STATS.parse(body).height for body in bodies] == [0, 0]


def test_a_short_window_asks_for_few_rows() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(int(request.url.params["limit"]))
        return httpx.Response(200, json=[])

    fetched(CONTRACT_STATS, provider, window=Window(at("2024-07-09"), at("2024-07-10")))
    assert asked == [25, 25]


def test_an_hour_counts_when_it_has_been_rewritten_for_the_last_time() -> None:
    body = wire.body("gate__contract_stats", json.dumps([row(int(at("2024-07-10 11:00").timestamp()))]))
    for minutes, height in ((2, 0), (3, 1)):
        late = wire.body("gate__contract_stats", body.content, retrieved_at=NOW + timedelta(minutes=minutes))
        assert CONTRACT_STATS.parse(late).height == height


def test_ratios_are_what_they_are_and_not_what_the_documentation_calls_them() -> None:
    first = CONTRACT_STATS.parse(wire.body("gate__contract_stats")).row(0, named=True)
    assert first["taker_buy_sell_volume_ratio"] == first["taker_buy_contracts"] / first["taker_sell_contracts"]
    assert first["account_long_short_ratio"] == first["long_account_count"] / first["short_account_count"]


def test_liquidations_are_kept_in_all_units_and_both_reckonings() -> None:
    content = json.dumps([row(STATS[0]["time"], long_liq_usd=7200, long_liq_usd_new=7300)])
    first = CONTRACT_STATS.parse(wire.body("gate__contract_stats", content)).row(0, named=True)
    names = ("contracts", "coin", "usd", "new_usd")
    assert [first[f"long_liquidations_{name}"] for name in names] == [1200, 0.12, 7200, 7300]


@pytest.mark.parametrize(
    ("status", "label", "kind"),
    [
        (400, "INVALID_PARAM_VALUE", Rejected),
        (200, "INVALID_PARAM_VALUE", Rejected),
        (429, "TOO_MANY_REQUESTS", RateLimited),
        (200, "TOO_MANY_REQUESTS", RateLimited),
    ],
)
@pytest.mark.parametrize("dataset", [CONTRACT_STATS, CONTRACTS], ids=lambda dataset: dataset.name)
def test_an_error_object_is_an_error(dataset: object, status: int, label: str, kind: type[Exception]) -> None:
    told = {"label": label, "message": "no such thing"}
    bodies, error = fetched(dataset, lambda _: httpx.Response(status, json=told))  # type: ignore[arg-type]
    if error is None:
        with pytest.raises(kind, match="no such thing"):
            dataset.parse(bodies[0])  # type: ignore[attr-defined]
    else:
        assert isinstance(error, kind)


def test_a_contract_says_how_many_coins_it_holds_and_when_it_was_asked_for() -> None:
    retrieved_at = at("2024-07-10 12:00") + timedelta(seconds=42)
    only = CONTRACTS.parse(wire.body("gate__contracts", retrieved_at=retrieved_at)).row(0, named=True)
    assert (only["symbol"], only["contract_size_coin"], only["interval_hours"]) == ("BTC_USDT", 0.0001, 8.0)
    assert only["observed_at"] == at("2024-07-10 12:00")


def test_a_list_is_no_contract() -> None:
    with pytest.raises(Malformed, match="one contract"):
        CONTRACTS.parse(wire.body("gate__contracts", "[]"))


def test_what_holds_now_is_not_asked_for_an_old_window() -> None:
    asked = []

    def provider(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, content=wire.stored("gate__contracts"))

    assert fetched(CONTRACTS, provider, window=Window(at("2024-05-01"), at("2024-06-01"))) == ([], None)
    assert asked == []
    bodies, error = fetched(CONTRACTS, provider)
    assert error is None and len(bodies) == 2
    assert [path.rpartition("/")[2] for path in asked] == ["BTC_USDT", "ETH_USDT"]
