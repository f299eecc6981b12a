"""The state is one world: the same from the same seed, and the same whatever the clock shows."""

from __future__ import annotations

import csv
import io
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta, timezone

import numpy as np
import pytest

from sources.simulator import market, story
from sources.simulator.calendars import is_session, released_at
from sources.simulator.drawing import Drawing
from sources.simulator.state import DAYS, HOURS, day_at, day_index, hour_index
from tests.unit.simulator.simulated import EVERY_PROVIDER, client, unzip

pytestmark = pytest.mark.unit


def arrays(thing: object, path: str = "state") -> dict[str, np.ndarray]:
    """Every array in a nest of dataclasses, mappings and tuples, by its path."""
    if isinstance(thing, np.ndarray):
        return {path: thing}
    if is_dataclass(thing):
        inner = [(f.name, getattr(thing, f.name)) for f in fields(thing)]
    elif hasattr(thing, "items"):
        inner = list(thing.items())
    elif isinstance(thing, tuple):
        inner = list(enumerate(thing))
    else:
        return {}
    return {key: value for name, part in inner for key, value in arrays(part, f"{path}.{name}").items()}


def test_the_same_seed_draws_the_same_market() -> None:
    first, again = arrays(Drawing(7).state()), arrays(Drawing(7).state())
    assert len(first) > 60
    for path, values in first.items():
        np.testing.assert_array_equal(values, again[path], err_msg=path)


def test_another_seed_draws_another_market_with_the_same_story() -> None:
    ours, other = market.load(), Drawing(8).state()
    changed = [path for path, values in arrays(ours).items() if not np.array_equal(values, arrays(other)[path])]
    assert len(changed) > 50
    day = slice(day_index(date(2025, 10, 10)) * 24, day_index(date(2025, 10, 11)) * 24)
    assert ours.candles["BTCUSDT"].low[day].min() == other.candles["BTCUSDT"].low[day].min() == 105_000.0


def test_the_state_is_loaded_once() -> None:
    assert market.load() is market.load()


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT", "USDCUSDT", "USDEUSDT"])
def test_candles_hold_together(symbol: str) -> None:
    candles = market.load().candles[symbol]
    assert len(candles.close) == HOURS - candles.first_hour
    assert (candles.high >= np.maximum(candles.open, candles.close)).all()
    assert (candles.low <= np.minimum(candles.open, candles.close)).all()
    assert (candles.low > 0).all() and (candles.volume_base > 0).all() and (candles.trade_count > 0).all()
    np.testing.assert_array_equal(candles.open[1:], candles.close[:-1])
    # What was paid on average lies inside the candle.
    average = candles.volume_quote / candles.volume_base
    assert (average <= candles.high * 1.0001).all() and (average >= candles.low * 0.9999).all()


def test_no_price_repeats_for_hours_where_a_bound_holds() -> None:
    close = market.load().candles["BTCUSDT"].close
    still = np.convolve(np.diff(close) == 0, np.ones(6), mode="valid")
    assert still.max() < 6


def test_funds_add_up_to_their_session_on_nyse_days_only() -> None:
    for funds in market.load().funds.values():
        assert all(is_session(session) for session in funds.sessions)
        tenths = np.round(np.nan_to_num(funds.net_flow_usd_m) * 10)
        np.testing.assert_array_equal(tenths.sum(axis=1), np.round(funds.session_total_usd_m * 10))
    assert date(2025, 11, 27) not in market.load().funds["btc"].sessions  # Thanksgiving


def test_exchange_balances_move_by_their_net_flow() -> None:
    for chain in market.load().on_chain.values():
        net = (chain.flow_in_usd - chain.flow_out_usd) / chain.price_usd
        np.testing.assert_allclose(net[1:], np.diff(chain.exchange_supply), rtol=1e-6, atol=1e-3)
        assert (chain.flow_in_usd > 0).all() and (chain.flow_out_usd > 0).all()


def test_depth_grows_with_distance_and_has_its_hours() -> None:
    for perpetual in market.load().perpetuals.values():
        for side in (perpetual.bid_depth_usd, perpetual.ask_depth_usd):
            assert (np.diff(side, axis=1) > 0).all()
        calm = slice(hour_index(story.at("2025-05-01")), hour_index(story.at("2025-07-01")))
        by_hour = np.median(perpetual.bid_depth_usd[calm, 0].reshape(-1, 24), axis=0)
        assert by_hour.argmax() in (10, 11, 12) and by_hour.argmin() in (20, 21, 22)
        assert 0.5 < by_hour.min() / by_hour.max() < 0.68


def test_calm_pillars_are_nearly_independent() -> None:
    state = market.load()
    days = slice(day_index(date(2024, 9, 1)), day_index(date(2025, 8, 31)))
    weekdays = np.array([day_index(day) for day in state.macro["VIXCLS"].days])
    vix = np.interp(np.arange(DAYS), weekdays, np.nan_to_num(state.macro["VIXCLS"].values, nan=18.0))
    net_flow = np.diff(state.on_chain["btc"].exchange_supply, prepend=0.0)
    funding = state.perpetuals["BTCUSDT"].funding_rate.reshape(DAYS, 3).mean(axis=1)
    table = np.corrcoef([series[days] for series in (vix, net_flow, funding, state.sth_sopr_ratio)])
    apart = table[np.triu_indices(4, 1)]
    # Funding and the profits of recent buyers both follow the price; nothing else has a common cause.
    assert np.sort(np.abs(apart))[:-1].max() < 0.45


def rows_as_of(now: datetime, provider: str) -> set[str]:
    """The rows of a provider's answer as text, without what is still under way."""
    url = EVERY_PROVIDER[provider].replace("page_size=5", "page_size=10000").replace("limit=5&format", "limit=0&format")
    response = client(now).get(
        url.replace("limit=5", f"limit=1000&startTime={story.at('2025-09-01').timestamp() * 1000:.0f}")
    )
    response.raise_for_status()
    if provider == "binance_vision":
        return set(unzip(response.content)[1].splitlines())
    if provider == "fred":
        return {",".join(row) for row in csv.reader(io.StringIO(response.text))}
    payload = response.json()
    match provider:
        case "alternative_me":
            return {f"{row['timestamp']} {row['value']}" for row in payload["data"]}
        case "deribit":
            return {str(row) for row in payload["result"]["data"] if row[0] / 1000 + 86_400 <= now.timestamp()}
        case "defillama":
            return {str(row) for row in payload if row["date"] + 86_400 <= now.timestamp()}
        case _:
            return {str(row) for row in (payload["data"] if isinstance(payload, dict) else payload)}


@pytest.mark.parametrize("provider", sorted(set(EVERY_PROVIDER) - {"farside"}))
def test_what_is_said_of_a_day_does_not_depend_on_the_clock(provider: str) -> None:
    early = rows_as_of(datetime(2025, 11, 19, 1, 0, tzinfo=timezone.utc), provider)
    late = rows_as_of(datetime(2026, 1, 20, 1, 0, tzinfo=timezone.utc), provider)
    assert early and early <= late
    if provider != "binance_vision":
        assert early < late or provider == "bgeometrics"


def test_the_market_goes_on_beyond_its_end() -> None:
    later = client(market.END_OF_MARKET + timedelta(days=1))
    path = "https://data.binance.vision/data/futures/um/daily/bookDepth/ETHUSDT/ETHUSDT-bookDepth-2025-12-06.zip"
    assert client().get(path).status_code == 404
    assert later.get(path).status_code == 200


@pytest.mark.parametrize(
    ("now", "problem"),
    [
        (datetime(2020, 12, 31, tzinfo=timezone.utc), "runs from 2021-01-01 to 2026-02-01"),
        (datetime(2026, 2, 2, tzinfo=timezone.utc), "its clock cannot show 2026-02-02"),
        (datetime(2025, 1, 1), "runs in UTC"),
    ],
)
def test_the_clock_stays_inside_the_market(now: datetime, problem: str) -> None:
    with pytest.raises(market.OutsideMarket, match=problem):
        client(now)


def test_before_the_first_day_has_ended_nothing_is_told() -> None:
    first = client(datetime(2021, 1, 1, 0, 30, tzinfo=timezone.utc))
    assert first.get(EVERY_PROVIDER["coinmetrics"]).json() == {"data": []}
    assert first.get("https://api.llama.fi/v2/historicalChainTvl").json() == []
    assert first.get(f"{EVERY_PROVIDER['fred']}").text == "DATE,VIXCLS\n"


@pytest.mark.parametrize(
    ("series_id", "day", "released"),
    [
        ("VIXCLS", date(2025, 11, 26), "2025-11-28 14:00"),  # Thanksgiving between
        ("DGS2", date(2025, 11, 4), "2025-11-05 22:00"),
        ("DGS2", date(2025, 10, 9), "2025-10-10 21:00"),  # New York still on summer time
        ("DCOILWTICO", date(2025, 11, 20), "2025-11-25 22:00"),
        ("DTWEXBGS", date(2025, 10, 3), "2025-10-06 20:30"),
        ("DTWEXBGS", date(2025, 9, 29), "2025-10-06 20:30"),
        ("STLFSI4", date(2025, 10, 10), "2025-10-15 14:00"),
    ],
)
def test_release_calendar(series_id: str, day: date, released: str) -> None:
    assert released_at(series_id, day) == story.at(released)


def test_a_pulse_names_a_strand() -> None:
    with pytest.raises(ValueError, match="unknown strand 'luck'"):
        story.Pulse("luck", story.at("2025-01-01"), story.at("2025-01-02"), 1.0, 1.0)


def test_day_positions_are_inverse() -> None:
    assert all(day_index(day_at(index)) == index for index in (0, 1, 59, DAYS - 1))
