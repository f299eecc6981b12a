"""Datasets fetched and parsed over the simulated market give what the state holds, to the last digit it is told in.

`test_every_dataset.py` asks of all datasets what can be asked without knowing what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from sources.dataset import UTC, Dataset, Window, at_midnight
from sources.market import open_market
from sources.providers.fred import DAILY_SERIES
from sources.registry import DATASETS
from sources.simulator import market
from sources.simulator.answers.alternative_me import NEVER_PUBLISHED
from sources.simulator.calendars import released_at
from sources.simulator.macro import published
from sources.simulator.state import State, day_at, day_index

pytestmark = pytest.mark.unit

SPANS = {
    "2025-10": (date(2025, 10, 8), date(2025, 10, 13)),
    "2022-05": (date(2022, 5, 9), date(2022, 5, 12)),
    "newest": (date(2025, 11, 28), date(2025, 12, 5)),
}
SYMBOLS = ("BTCUSDT", "ETHUSDT")


def parsed(dataset: Dataset, window: Window) -> pl.DataFrame:
    simulated = open_market("simulated")
    with simulated.connect() as transport:
        bodies = list(dataset.fetch(window, transport.client(dataset, window)))
    frames = [dataset.conform(dataset.parse(body)) for body in bodies]
    return pl.concat(frames).unique(dataset.key, keep="last", maintain_order=True)


def days_of(window: Window) -> list[date]:
    return [day_at(day_index(day)) for day in window.days()]


def of_symbols(columns: Callable[[str, date], dict[str, object]], window: Window) -> pl.DataFrame:
    return pl.concat([pl.DataFrame(columns(symbol, day)) for symbol in SYMBOLS for day in days_of(window)])


def asset_metrics(state: State, window: Window) -> pl.DataFrame:
    rows = []
    for asset, chain in state.on_chain.items():
        for day in days_of(window):
            i = day_index(day)
            if chain.completed_at_s[i] > market.END_OF_MARKET.timestamp():
                continue
            rate = chain.hash_rate_ths[i]
            rows.append({
                "asset": asset, "day": day, "price_usd": chain.price_usd[i], "market_cap_usd": chain.market_cap_usd[i],
                "mvrv_ratio": chain.mvrv_ratio[i], "flow_in_exchange_usd": chain.flow_in_usd[i],
                "flow_out_exchange_usd": chain.flow_out_usd[i], "exchange_supply_native": chain.exchange_supply[i],
                "supply_native": chain.supply[i], "issuance_usd": chain.issuance_usd[i],
                "fee_native": chain.fee_native[i], "hash_rate_ths": None if np.isnan(rate) else rate,
                "active_address_count": int(chain.active_address_count[i]),
                "transaction_count": int(chain.transaction_count[i]),
                "completed_at": datetime.fromtimestamp(int(chain.completed_at_s[i]), UTC),
            })  # fmt: skip
    return pl.DataFrame(rows)


def etf_flows(state: State, window: Window) -> pl.DataFrame:
    rows = []
    for asset, funds in state.funds.items():
        for session, flows, total in zip(funds.sessions, funds.net_flow_usd_m, funds.session_total_usd_m, strict=True):
            # Whole sessions only: the newest one is being filled while the market's clock stands still.
            if session < date(2025, 12, 5):
                for ticker, flow in zip(funds.tickers, flows, strict=True):
                    value = None if np.isnan(flow) else round(flow * 1e6)
                    rows.append((asset, session, ticker, value, round(total * 1e6)))
    names = ["asset", "session_date", "ticker", "net_flow_usd", "session_total_usd"]
    return pl.DataFrame(rows, schema=names, orient="row")


def stablecoin_supply(state: State, window: Window) -> pl.DataFrame:
    rows = [
        (
            coin.coin_id,
            coin.symbol,
            day,
            coin.units[day_index(day)],
            coin.units[day_index(day)] * coin.price_usd[day_index(day)],
        )
        for coin in state.stablecoins
        for day in days_of(window)
        if not np.isnan(coin.units[day_index(day)])
    ]
    names = ["stablecoin_id", "symbol", "day", "circulating_units", "circulating_usd"]
    return pl.DataFrame(rows, schema=names, orient="row")


def stablecoin_prices(state: State, window: Window) -> pl.DataFrame:
    rows = [
        (coin.name, day, coin.price_usd[day_index(day)])
        for coin in state.stablecoins
        for day in days_of(window)
        if not np.isnan(coin.price_usd[day_index(day)])
    ]
    return pl.DataFrame(rows, schema=["coin", "day", "price_usd"], orient="row")


def hacks(state: State, window: Window) -> pl.DataFrame:
    rows = [
        (hack.day, hack.name, hack.technique or "unknown", hack.loss_usd, hack.returned_usd, hack.is_bridge)
        for hack in state.hacks
        if at_midnight(hack.day) + timedelta(days=1) <= market.END_OF_MARKET
    ]
    names = ["hacked_on", "name", "technique", "loss_usd", "returned_usd", "is_bridge"]
    return pl.DataFrame(rows, schema=names, orient="row")


def daily(column: str, values: Callable[[State], np.ndarray]) -> Callable[[State, Window], pl.DataFrame]:
    def expected(state: State, window: Window) -> pl.DataFrame:
        days = days_of(window)
        return pl.DataFrame({"day": days, column: [float(values(state)[day_index(day)]) for day in days]})

    return expected


def holders(column: str, values: Callable[[State], np.ndarray]) -> Callable[[State, Window], pl.DataFrame]:
    def expected(state: State, window: Window) -> pl.DataFrame:
        # A day is published nine hours after its end.
        return daily(column, values)(state, window).filter(pl.col("day") < date(2025, 12, 5))

    return expected


def spot_klines(state: State, window: Window) -> pl.DataFrame:
    frames = []
    for symbol, candles in state.candles.items():
        opened = [at_midnight(day) + timedelta(hours=h) for day in days_of(window) for h in range(24)]
        hours = np.array([(moment - at_midnight(date(2021, 1, 1))) // timedelta(hours=1) for moment in opened])
        kept = hours >= candles.first_hour
        at = hours[kept] - candles.first_hour
        frames.append(pl.DataFrame({
            "symbol": [symbol] * len(at), "opened_at": [m for m, keep in zip(opened, kept, strict=True) if keep],
            "open_price": candles.open[at], "high_price": candles.high[at], "low_price": candles.low[at],
            "close_price": candles.close[at], "volume_base": candles.volume_base[at],
            "volume_quote": candles.volume_quote[at], "trade_count": candles.trade_count[at],
            "taker_buy_volume_base": candles.volume_base[at] * candles.taker_share[at],
        }))  # fmt: skip
    return pl.concat([frame for frame in frames if len(frame)])


def um_metrics(state: State, window: Window) -> pl.DataFrame:
    def columns(symbol: str, day: date) -> dict[str, object]:
        metrics = state.metrics(symbol, day)
        return {
            "symbol": [symbol] * 288,
            "period_ended_at": [at_midnight(day) + timedelta(minutes=5 * i) for i in range(1, 289)],
            "open_interest_coin": metrics["open_interest_coin"],
            "open_interest_usd": metrics["open_interest_usd"],
            "top_trader_account_long_short_ratio": metrics["top_account_ratio"],
            "top_trader_position_long_short_ratio": metrics["top_position_ratio"],
            "account_long_short_ratio": metrics["account_ratio"],
            "taker_buy_sell_volume_ratio": metrics["taker_ratio"],
        }

    return of_symbols(columns, window)


def um_book_depth(state: State, window: Window) -> pl.DataFrame:
    def columns(symbol: str, day: date) -> dict[str, object]:
        coin, usd, _ = state.depth(symbol, day)
        return {
            "symbol": [symbol] * 960,
            "band_pct": np.tile([-5.0, -4, -3, -2, -1, 1, 2, 3, 4, 5], 96),
            "depth_coin": coin.ravel(),
            "depth_usd": usd.ravel(),
        }

    covered = [day for day in days_of(window) if day >= date(2023, 1, 1)]
    if not covered:
        return pl.DataFrame()
    return of_symbols(columns, window)


def funding(state: State, window: Window) -> pl.DataFrame:
    def columns(symbol: str, day: date) -> dict[str, object]:
        first = day_index(day) * 3
        return {
            "symbol": [symbol] * 3,
            "settled_at": [at_midnight(day) + timedelta(hours=8 * i) for i in range(3)],
            "funding_rate": state.perpetuals[symbol].funding_rate[first : first + 3],
        }

    return of_symbols(columns, window)


def archived_funding(state: State, window: Window) -> pl.DataFrame:
    return funding(state, window).filter(pl.col("settled_at") < datetime(2025, 12, 1, tzinfo=UTC))


def macro(*series_ids: str) -> Callable[[State, Window], pl.DataFrame]:
    def expected(state: State, window: Window) -> pl.DataFrame:
        rows = [
            (series_id, day, value)
            for series_id in series_ids
            for day, value in zip(published(state)[series_id].days, published(state)[series_id].values, strict=True)
            if day in days_of(window) and not np.isnan(value) and released_at(series_id, day) <= market.END_OF_MARKET
        ]
        return pl.DataFrame(rows, schema=["series_id", "observed_on", "value"], orient="row")

    return expected


def fear_greed(state: State, window: Window) -> pl.DataFrame:
    days = [day for day in days_of(window) if day != NEVER_PUBLISHED]
    return pl.DataFrame({"day": days, "fear_greed_index": [int(state.fear_greed[day_index(day)]) for day in days]})


def dvol(state: State, window: Window) -> pl.DataFrame:
    rows = [
        (currency, day, *values[day_index(day)].tolist())
        for currency, values in state.dvol_pct.items()
        for day in days_of(window)
    ]
    names = ["currency", "day", "dvol_open_pct", "dvol_high_pct", "dvol_low_pct", "dvol_close_pct"]
    return pl.DataFrame(rows, schema=names, orient="row")


EXPECTED: dict[str, Callable[[State, Window], pl.DataFrame]] = {
    "alternative_me__fear_greed": fear_greed,
    "bgeometrics__lth_supply": holders("lth_supply_btc", lambda s: s.lth_supply_btc),
    "bgeometrics__sth_sopr": holders("sth_sopr_ratio", lambda s: s.sth_sopr_ratio),
    "bgeometrics__sopr": holders("sopr_ratio", lambda s: s.sopr_ratio),
    # The stamp is the start of the day: what the day before left.
    "bgeometrics__exchange_reserve": holders(
        "exchange_reserve_btc",
        lambda s: np.append(s.on_chain["btc"].exchange_supply[:1], s.on_chain["btc"].exchange_supply[:-1]),
    ),
    "bgeometrics__realized_price": holders("realized_price_usd", lambda s: s.on_chain["btc"].realized_price_usd),
    "binance_futures__funding_rates": funding,
    "binance_vision__spot_klines": spot_klines,
    "binance_vision__um_metrics": um_metrics,
    "binance_vision__um_funding_rates": archived_funding,
    "binance_vision__um_book_depth": um_book_depth,
    "coinmetrics__asset_metrics": asset_metrics,
    "defillama__stablecoin_supply": stablecoin_supply,
    "defillama__stablecoin_prices": stablecoin_prices,
    "defillama__hacks": hacks,
    "defillama__tvl": daily("tvl_usd", lambda s: s.tvl_usd),
    "deribit__dvol": dvol,
    "farside__etf_flows": etf_flows,
    "fred__daily_series": macro(*DAILY_SERIES),
    "fred__weekly_series": macro("DTWEXBGS", "STLFSI4"),
}


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize("table", sorted(EXPECTED))
def test_parsed_rows_are_those_of_the_state(table: str, span: str) -> None:
    dataset = DATASETS[table]
    window = Window(at_midnight(SPANS[span][0]), at_midnight(SPANS[span][1] + timedelta(days=1)))
    expected = EXPECTED[table](market.load(), window)
    found = parsed(dataset, window)
    if expected.is_empty():
        assert found.is_empty()
        return
    # Some providers give more than was asked; what was asked has to be there, whole.
    if table == "farside__etf_flows":
        found = found.filter(pl.col("session_date") < date(2025, 12, 5))
        expected = expected.filter(pl.col("session_date") >= found["session_date"].min())
        listed = found.select("asset", "ticker").unique()
        expected = expected.join(listed, on=["asset", "ticker"], how="semi")
    elif table != "defillama__hacks":
        time = pl.col(dataset.time_column)
        inside = (time >= window.start.date()) & (time < window.end.date())
        if found.schema[dataset.time_column] != pl.Date:
            first = timedelta(minutes=5) if table == "binance_vision__um_metrics" else timedelta(0)
            inside = (time >= window.start + first) & (time < window.end + first)
        found = found.filter(inside)
    keys = [name for name in dataset.key if name in expected.columns]
    if table == "binance_vision__um_book_depth":
        found = found.sort("symbol", "snapshot_at", "band_pct")
        assert found["snapshot_at"].n_unique() * 10 * 2 == len(found)
    else:
        found, expected = found.sort(keys), expected.sort(keys)
    same = found.select(expected.columns)
    expected = expected.select(pl.col(name).cast(same.schema[name]) for name in expected.columns)
    assert_frame_equal(same, expected, rel_tol=1e-9, abs_tol=1e-8)
    assert len(same) > 0


@pytest.mark.parametrize("table", ["farside__etf_flows"])
def test_the_pending_session_is_null(table: str) -> None:
    dataset = DATASETS[table]
    window = Window(at_midnight(date(2025, 12, 1)), market.END_OF_MARKET)
    newest = parsed(dataset, window).filter(pl.col("session_date") == date(2025, 12, 5), pl.col("ticker") == "IBIT")
    assert newest["net_flow_usd"].to_list() == [None]
