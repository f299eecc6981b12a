"""The machine of outflow episodes against the same rules written as a loop over sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from statistics import median

import duckdb

_WINDOW = timedelta(days=1460)
_MIN_SUMS, _HOLE = 250, 10


@dataclass
class _Episode:
    """What the machine remembers while flows run out."""

    worst_usd: float
    outflows_usd: list[float] = field(default_factory=list)
    calm: list[tuple[int, bool | None]] = field(default_factory=list)
    has_stabilised: bool = False


def _replay(sessions: Sequence[tuple[date, int, float | None]]) -> dict[int, str]:
    """State after each session, from the first that can be ranked."""
    flows = {number: flow for _, number, flow in sessions}
    sums: list[tuple[date, float]] = []
    states: dict[int, str] = {}
    episode: _Episode | None = None
    is_reversed = False
    last_number: int | None = None
    for day, number, flow in sessions:
        if last_number is not None and number - last_number > _HOLE:
            episode, is_reversed = None, False
        if flow is not None:
            last_number = number
        five = [flows.get(number - back) for back in range(5)]
        known = [one for one in five if one is not None]
        total = sum(reversed(known)) if len(known) == 5 else None
        rank = None
        if total is not None:
            sums.append((day, total))
            window = [one for at, one in sums if at >= day - _WINDOW]
            if len(window) >= _MIN_SUMS:
                rank = 100 * sum(one <= total for one in window) / len(window)
        if rank is not None and rank >= 60:
            is_reversed, episode = is_reversed or episode is not None, None
        elif rank is not None:
            is_reversed = False
            if rank <= 10:
                episode = episode or _Episode(worst_usd=0.0)
                episode.has_stabilised = False
        if episode is not None:
            if flow is not None and flow < 0:
                episode.outflows_usd.append(-flow)
            if total is not None:
                episode.worst_usd = min(episode.worst_usd, total)
            three = [flows.get(number - back) for back in range(3)]
            largest = max((max(0.0, -one) for one in three if one is not None), default=0.0)
            conditions = (
                None if flow is None else flow >= 0,
                None if total is None else total >= 0.25 * episode.worst_usd,
                None if None in three or not episode.outflows_usd else largest < median(episode.outflows_usd),
            )
            is_calm = False if False in conditions else None if None in conditions else True
            episode.calm.append((number, is_calm))
            recent = [calm for at, calm in episode.calm if at > number - 3]
            episode.has_stabilised |= _rank_holds(rank) and recent == [True, True, True]
        if rank is not None or states:
            inside = "stabilised" if episode and episode.has_stabilised else "outflow"
            states[number] = inside if episode else "reversed" if is_reversed else "quiet"
    return states


def _rank_holds(rank: float | None) -> bool:
    """Whether nothing says that the five-session sum is in its lowest tenth."""
    return rank is None or rank > 10


def _usable_flows(warehouse: duckdb.DuckDBPyConnection, asset: str) -> list[tuple[date, int, float | None]]:
    """Flow of each session, or None where the funds that have not reported hold five per cent of the coins or more."""
    held: dict[str, float] = dict(
        warehouse.execute(
            "select ticker, coalesce(opening_holdings_native, 0) from seeds.etf_funds where asset = ?", [asset]
        ).fetchall()
    )
    prices = dict(
        warehouse.execute(
            "select date, close_usd from intermediate.int_asset_prices_daily where asset = ?", [asset]
        ).fetchall()
    )
    cells = warehouse.execute(
        """
        select session_date, session_number, ticker, net_flow_usd, is_pending
        from intermediate.int_etf_flow_cells where is_listed and asset = ? order by session_number
        """,
        [asset],
    ).fetchall()
    sessions: list[tuple[date, int, float | None]] = []
    for (day, number), group in groupby(cells, key=lambda cell: (cell[0], cell[1])):
        funds = [(ticker, flow, is_pending) for _, _, ticker, flow, is_pending in group]
        flows = [flow for _, flow, _ in funds if flow is not None]
        pending = sum(max(0.0, held.get(ticker, 0.0)) for ticker, _, is_pending in funds if is_pending)
        whole = sum(max(0.0, held.get(ticker, 0.0)) for ticker, _, _ in funds)
        counts = bool(flows) and (not any(one[2] for one in funds) or pending < 0.05 * whole)
        sessions.append((day, number, sum(flows) if counts else None))
        for ticker, flow, _ in funds:
            if flow is not None and day in prices:
                held[ticker] = held.get(ticker, 0.0) + flow / prices[day]
    return sessions


def test_states_are_those_of_the_loop(warehouse: duckdb.DuckDBPyConnection) -> None:
    states = dict(
        warehouse.sql(
            "select session_number, state from intermediate.int_etf_flow_states where asset = 'btc'"
        ).fetchall()
    )
    assert _replay(_usable_flows(warehouse, "btc")) == states
    assert {"outflow", "quiet"} <= set(states.values())


def test_no_state_is_shown_before_its_session_could_be_known(warehouse: duckdb.DuckDBPyConnection) -> None:
    early = warehouse.sql("""
        select * from marts.fct_etf_flow_states_daily
        where available_at > cast(date as timestamptz) + interval '24 hours 30 minutes' or newest_session_date > date
    """).fetchall()
    assert early == []


def test_no_flag_uses_what_came_after_the_cut_off(warehouse: duckdb.DuckDBPyConnection) -> None:
    early = warehouse.sql("""
        select flags.*
        from marts.fct_institutional_accumulation_weekly as flags
        inner join marts.fct_lth_distribution_daily as holders
            on flags.lth_observed_date = holders.date and holders.definition = 'net_155d_bgeometrics'
        where holders.available_at > flags.judged_at
    """).fetchall()
    assert early == []
