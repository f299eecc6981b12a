"""Every dated figure of the story, measured on the state within a stated tolerance."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from sources.simulator import market, story
from sources.simulator.state import Candles, State, day_index, hour_index
from sources.simulator.story import at

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def state() -> State:
    return market.load()


def of_day(values: np.ndarray, first: date, last: date | None = None) -> np.ndarray:
    """Hourly values of the days `first` to `last`, both included."""
    return values[day_index(first) * 24 : (day_index(last or first) + 1) * 24]


def day_return(candles: Candles, day: date) -> float:
    return float(of_day(candles.close, day)[-1] / of_day(candles.open, day)[0] - 1)


@pytest.mark.parametrize(
    ("moment", "btc_usd"),
    [
        ("2021-01-01", 29_000),
        ("2021-04-14", 64_000),
        ("2021-07-20", 30_000),
        ("2021-11-09", 67_000),
        ("2022-11-10", 16_000),
        ("2023-12-31", 42_000),
        ("2024-03-13", 73_000),
        ("2024-08-06", 54_000),
        ("2024-12-17", 106_000),
        ("2025-04-09", 76_000),
    ],
)
def test_levels_look_like_the_real_market(state: State, moment: str, btc_usd: float) -> None:
    assert state.candles["BTCUSDT"].open[hour_index(at(moment))] == pytest.approx(btc_usd, rel=0.02)


def test_high_of_6_october_is_the_highest_of_all(state: State) -> None:
    high = state.candles["BTCUSDT"].high
    assert high.max() == pytest.approx(126_000, rel=0.005)
    assert hour_index(at("2025-10-06")) <= high.argmax() < hour_index(at("2025-10-07"))


def test_10_october_cascade(state: State) -> None:
    day = date(2025, 10, 10)
    btc, eth = state.candles["BTCUSDT"], state.candles["ETHUSDT"]
    assert of_day(btc.low, day).min() == pytest.approx(105_000, rel=0.005)
    assert int(of_day(btc.low, day).argmin()) == 21
    assert 3_400 <= of_day(eth.low, day).min() <= 3_500
    assert of_day(btc.close, day)[-1] == pytest.approx(113_000, rel=0.01)
    liquidated = sum(
        of_day(p.long_liquidations_usd + p.short_liquidations_usd, day).sum() for p in state.perpetuals.values()
    )
    assert liquidated == pytest.approx(19.16e9, rel=0.01)
    oi = state.perpetuals["BTCUSDT"].open_interest_coin
    fall = oi[hour_index(at("2025-10-10 23:00"))] / oi[hour_index(at("2025-10-10 19:00"))] - 1
    assert fall == pytest.approx(-0.186, abs=0.01)


@pytest.mark.parametrize(("day", "left"), [(date(2025, 10, 10), 0.12), (date(2025, 11, 4), 0.20)])
def test_depth_within_4_per_cent_nearly_empties(state: State, day: date, left: float) -> None:
    depth = state.perpetuals["BTCUSDT"].bid_depth_usd[:, 3] + state.perpetuals["BTCUSDT"].ask_depth_usd[:, 3]
    before = of_day(depth, day - timedelta(days=30), day - timedelta(days=1)).reshape(-1, 24)
    ratio = of_day(depth, day) / np.median(before, axis=0)
    assert ratio.min() < left


def test_usde_falls_on_one_venue_only(state: State) -> None:
    venue = state.candles["USDEUSDT"]
    hour = hour_index(at("2025-10-10 21:00")) - venue.first_hour
    assert venue.low[hour] == 0.65 == venue.low.min()
    (usde,) = [coin for coin in state.stablecoins if coin.symbol == "USDe"]
    days = slice(day_index(date(2025, 10, 9)), day_index(date(2025, 10, 13)))
    assert (np.abs(usde.price_usd[days] - 1.0) < 0.002).all()


def test_4_november(state: State) -> None:
    day = date(2025, 11, 4)
    btc, eth = state.candles["BTCUSDT"], state.candles["ETHUSDT"]
    assert day_return(btc, day) == pytest.approx(-0.07, abs=0.005)
    assert of_day(btc.low, day).min() < 99_000
    # Lowest since June: nothing between the end of June and that day was lower.
    assert of_day(btc.low, date(2025, 6, 24), date(2025, 11, 3)).min() > 99_000
    assert day_return(eth, day) == pytest.approx(-0.14, abs=0.01)
    assert 3_000 <= of_day(eth.low, day).min() < 3_100
    longs = sum(of_day(p.long_liquidations_usd, day).sum() for p in state.perpetuals.values())
    shorts = sum(of_day(p.short_liquidations_usd, day).sum() for p in state.perpetuals.values())
    assert longs + shorts == pytest.approx(2.0e9, rel=0.03)
    assert longs / (longs + shorts) == pytest.approx(0.80, abs=0.01)


def test_eth_is_about_40_per_cent_below_its_august_peak(state: State) -> None:
    eth = state.candles["ETHUSDT"]
    peak = of_day(eth.high, date(2025, 8, 1), date(2025, 9, 5)).max()
    assert 1 - of_day(eth.low, date(2025, 11, 4)).min() / peak == pytest.approx(0.385, abs=0.02)


def test_20_and_21_november(state: State) -> None:
    btc = state.candles["BTCUSDT"]
    low = of_day(btc.low, date(2025, 11, 21)).min()
    assert low == pytest.approx(80_500, rel=0.005)
    assert of_day(btc.low, date(2025, 10, 1), date(2025, 12, 5)).min() == low
    liquidated = sum(
        of_day(p.long_liquidations_usd + p.short_liquidations_usd, date(2025, 11, 21)).sum()
        for p in state.perpetuals.values()
    )
    assert 1.9e9 <= liquidated <= 2.0e9


def test_1_december_falls_in_the_asian_morning(state: State) -> None:
    btc = state.candles["BTCUSDT"]
    day = date(2025, 12, 1)
    assert of_day(btc.close, day)[5] / of_day(btc.open, day)[0] - 1 < -0.03
    liquidated = sum(
        of_day(p.long_liquidations_usd + p.short_liquidations_usd, day).sum() for p in state.perpetuals.values()
    )
    assert 0.55e9 <= liquidated <= 0.65e9


def test_november_etf_outflow(state: State) -> None:
    funds = state.funds["btc"]
    total = dict(zip(funds.sessions, funds.session_total_usd_m, strict=True))
    november = {day: flow for day, flow in total.items() if (day.year, day.month) == (2025, 11)}
    assert sum(november.values()) == pytest.approx(-3_500, abs=50)
    assert november[date(2025, 11, 13)] == -870.0
    assert november[date(2025, 11, 20)] == -903.0
    longest = streak = 0
    for flow in november.values():
        streak = streak + 1 if flow < 0 else 0
        longest = max(longest, streak)
    assert longest >= 5


def test_hacks_of_early_november(state: State) -> None:
    losses = {hack.name: hack for hack in state.hacks if hack.day == date(2025, 11, 3)}
    assert losses["Balancer"].loss_usd == 116e6
    assert losses["Stream Finance"].loss_usd == 93e6


def test_the_largest_hack_is_of_the_known_order_of_magnitude(state: State) -> None:
    assert max(hack.loss_usd for hack in state.hacks) == pytest.approx(1.46e9)
    assert sum(hack.loss_usd < 30e6 for hack in state.hacks) > 100


def test_long_term_holders_sell_400_thousand(state: State) -> None:
    supply = state.lth_supply_btc
    change = supply[day_index(date(2025, 11, 5))] - supply[day_index(date(2025, 10, 1))]
    assert change == pytest.approx(-400e3, abs=40e3)


def test_open_interest_peaks_in_early_october(state: State) -> None:
    for perpetual in state.perpetuals.values():
        peak = int(perpetual.open_interest_coin.argmax())
        assert hour_index(at("2025-09-28")) <= peak < hour_index(at("2025-10-10 21:00"))


def test_extreme_fear_and_negative_funding_together(state: State) -> None:
    for day in (date(2025, 11, 21), date(2025, 11, 22), date(2025, 11, 23)):
        assert state.fear_greed[day_index(day)] <= 15
        for perpetual in state.perpetuals.values():
            assert perpetual.funding_rate[day_index(day) * 3 : day_index(day) * 3 + 3].mean() < 0


def test_funding_is_usually_positive(state: State) -> None:
    rates = state.perpetuals["BTCUSDT"].funding_rate
    assert 0.05 < (rates < 0).mean() < 0.3
    assert np.median(rates) == pytest.approx(1e-4, abs=5e-5)


def test_usdc_loses_its_peg_in_march_2023(state: State) -> None:
    (usdc,) = [coin for coin in state.stablecoins if coin.symbol == "USDC"]
    assert 0.94 < usdc.price_usd[day_index(date(2023, 3, 11))] < 0.97
    assert of_day(state.candles["USDCUSDT"].low, date(2023, 3, 11)).min() == 0.88


def test_tether_wobbles_in_may_2022(state: State) -> None:
    (usdt,) = [coin for coin in state.stablecoins if coin.symbol == "USDT"]
    assert 0.95 <= usdt.price_usd[day_index(date(2022, 5, 12))] <= 0.97


def test_dollar_coins_contract_in_november_2025(state: State) -> None:
    total = np.nansum([coin.units for coin in state.stablecoins if coin.symbol in ("USDT", "USDC")], axis=0)
    assert total[day_index(date(2025, 11, 23))] / total[day_index(date(2025, 10, 24))] - 1 < -0.01


@pytest.mark.parametrize("day", [date(2025, 10, 10), date(2025, 11, 4), date(2025, 11, 20)])
def test_macro_tightens_before_the_day(state: State, day: date) -> None:
    vix = state.macro["VIXCLS"]
    position = vix.days.index(day)
    usual = np.nanmedian(vix.values[position - 250 : position])
    assert vix.values[position - 1] > 1.15 * usual


def test_implied_volatility_jumps_with_the_cascade(state: State) -> None:
    close = state.dvol_pct["BTC"][:, 3]
    assert close[day_index(date(2025, 10, 10))] > 1.25 * close[day_index(date(2025, 10, 9))]


def test_every_told_liquidation_day_is_met(state: State) -> None:
    for told in story.LIQUIDATION_DAYS:
        longs = sum(of_day(p.long_liquidations_usd, told.day).sum() for p in state.perpetuals.values())
        shorts = sum(of_day(p.short_liquidations_usd, told.day).sum() for p in state.perpetuals.values())
        assert longs + shorts == pytest.approx(told.total_usd, rel=1e-3), told.day
        assert longs / (longs + shorts) == pytest.approx(told.long_share, abs=1e-3), told.day


def test_every_told_extreme_is_a_candles_extreme(state: State) -> None:
    for told in story.EXTREMES:
        candles = state.candles[told.symbol]
        assert getattr(candles, told.side)[hour_index(told.hour) - candles.first_hour] == told.price, told
