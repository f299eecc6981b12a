"""The machine of outflow episodes against the same rules written as a loop over sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median

import duckdb
import pytest

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


@pytest.mark.parametrize("asset", ["btc"])
def test_states_are_those_of_the_loop(warehouse: duckdb.DuckDBPyConnection, asset: str) -> None:
    rows = warehouse.execute(
        """
        select session_date, session_number,
            case when count(net_flow_usd) > 0 and sum(case when is_pending then 1 else 0 end) = 0
                then sum(net_flow_usd) end as flow_usd
        from intermediate.int_etf_flow_cells where is_listed and asset = ?
        group by session_date, session_number order by session_number
        """,
        [asset],
    ).fetchall()
    # Sessions that count although a small fund is missing are taken as the model took them.
    taken = dict(
        warehouse.execute(
            "select session_number, flow_usd from intermediate.int_etf_flow_states where asset = ?", [asset]
        ).fetchall()
    )
    sessions = [(day, number, taken.get(number, flow)) for day, number, flow in rows]
    states = dict(
        warehouse.execute(
            "select session_number, state from intermediate.int_etf_flow_states where asset = ?", [asset]
        ).fetchall()
    )
    assert _replay(sessions) == states
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
