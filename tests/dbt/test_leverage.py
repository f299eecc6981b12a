"""The leverage states against the machine they are defined by, one day after the other."""

from __future__ import annotations

from typing import Any

import duckdb

_EVIDENCE = """
    select
        state, drawdown_90d_pct, open_interest_coin, funding_7d_percentile_pct,
        liquidation_percentile_pct, speed_7d_percentile_pct,
        coalesce(is_positions_left and is_leverage_low and is_flush_over and met_flag_count >= 4, false) as is_clear
    from marts.fct_leverage_states_daily
    where scope = ?
    order by date
"""


def _states(rows: list[tuple[Any, ...]]) -> list[str | None]:
    """Walk the days; SQL tells the same by windows over the days since the last flush."""
    state, trough, clear_days = "BUILDING", None, 0
    states: list[str | None] = []
    for _, drawdown, coins, funding, liquidations, speed, is_clear in rows:
        if (liquidations or 0) >= 95 or (speed or 0) >= 95:
            state, trough, clear_days = "FLUSHING", coins, 0
        else:
            if coins is not None:
                trough = coins if trough is None else min(trough, coins)
            clear_days = clear_days + 1 if is_clear else 0
            state = "CLEARING" if state == "FLUSHING" else state
            if state != "BUILDING" and drawdown is not None and drawdown < 5:
                state = "BUILDING"
            elif state in ("CLEARING", "CLEARED") and coins and coins >= 1.1 * trough and (funding or 0) >= 75:
                state = "RELEVERING"
            elif state == "CLEARING" and clear_days >= 3:
                state = "CLEARED"
        is_known = drawdown is not None and not (liquidations is None and speed is None)
        states.append(state if is_known else None)
    return states


def test_windows_tell_what_the_machine_does(warehouse: duckdb.DuckDBPyConnection) -> None:
    for scope in ("btc", "eth", "market"):
        rows = warehouse.execute(_EVIDENCE, [scope]).fetchall()
        assert len(rows) > 1000
        assert [row[0] for row in rows] == _states(rows)
        assert {"FLUSHING", "CLEARING", "BUILDING"} <= {row[0] for row in rows}


def test_bounds_of_liquidations_never_cross(warehouse: duckdb.DuckDBPyConnection) -> None:
    crossed = warehouse.sql("""
        select * from marts.fct_liquidation_cascades
        where
            high_usd < low_usd * (1 - 1e-9)
            or high_to_open_interest_pct < low_to_open_interest_pct * (1 - 1e-9)
            or ended_at <= started_at
    """).fetchall()
    counted = warehouse.sql("select count(*) from marts.fct_liquidation_cascades").fetchone()
    assert crossed == [] and counted is not None and counted[0] > 0
