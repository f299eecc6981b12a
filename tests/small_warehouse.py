"""A small warehouse with the marts that publishing and the command line read, for tests that need no pipeline.

Twelve indicators in six pillars over sixty days; index, contributions and changes follow the definitions of the method,
so they add up. On `GAP_DAY` three pillars are missing and there is no print.
"""

from __future__ import annotations

import hashlib
import tempfile
from datetime import date, datetime, timedelta, timezone
from functools import cache
from itertools import combinations
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

LAST_DAY = date(2025, 12, 4)
FIRST_DAY = LAST_DAY - timedelta(days=59)
GAP_DAY = LAST_DAY - timedelta(days=20)
RESTATED_DAY = LAST_DAY - timedelta(days=9)
BODY = b"observation_date,VIXCLS\n"
BODY_SHA256 = hashlib.sha256(BODY).hexdigest()
NOW = datetime(2025, 12, 5, 0, 45, tzinfo=timezone.utc)

PILLARS = ("flows", "derivatives", "liquidity", "price_volatility", "onchain_defi", "macro")
INDICATORS = {
    "etf_outflow_intensity_5s": ("flows", "US spot ETF outflow, 5 sessions", "% of assets"),
    "exch_netflow_7d": ("flows", "Net flow to exchanges, 7 days", "% of exchange supply"),
    "oi_speed_7d": ("derivatives", "Open interest closed, 7 days", "log %"),
    "funding_neg_stress_3d": ("derivatives", "Negative funding, 3 days", "bp per 8 h"),
    "depth_gap_hod": ("liquidity", "Depth against its usual hour", "log"),
    "amihud_7d": ("liquidity", "Price impact, 7 days", "1e9/USD"),
    "rv7_shock": ("price_volatility", "Volatility shock", "log"),
    "drawdown_90d": ("price_volatility", "Drawdown from the 90-day high", "ratio"),
    "lth_distribution_30d": ("onchain_defi", "Long-term holders selling, 30 days", "%"),
    "hack_loss_30d": ("onchain_defi", "Hack losses [30 days]", "% of TVL"),
    "vix": ("macro", "VIX", "vol points"),
    "credit_spread": ("macro", "Baa spread over 10 years", "pct points"),
}
Rows = list[tuple[object, ...]]

DATASETS = ("binance_vision__um_metrics", "farside__etf_flows", "fred__daily_series")


def build(path: Path, *, is_simulated: bool = True, restated: float = 0.0, landed_at: datetime = NOW) -> None:
    """Write the warehouse, anew if it exists.

    Args:
        path: the DuckDB file.
        is_simulated: what `meta.about` says of the market.
        restated: added to the last day's VIX, to have other content.
        landed_at: when the last landing was; changes `meta` and nothing else.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_content(is_simulated, restated, landed_at))


@cache
def _content(is_simulated: bool, restated: float, landed_at: datetime) -> bytes:
    """The bytes of the file: many tests want the same one, and building it takes longer than they do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warehouse.duckdb"
        _write(path, is_simulated, restated, landed_at)
        return path.read_bytes()


def _write(path: Path, is_simulated: bool, restated: float, landed_at: datetime) -> None:
    frames = _marts(restated)
    with duckdb.connect(path) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for schema in ("raw", "ops", "intermediate", "marts", "meta", "quality"):
            connection.execute(f"create schema {schema}")
        for name, frame in frames.items():
            connection.register("frame", frame)
            connection.execute(f"create table marts.{name} as from frame")
            connection.unregister("frame")
        for statement in _COMMENTS:
            connection.execute(statement)
        _notes(connection, is_simulated, landed_at)
        _ledger(connection)


_COMMENTS = (
    "alter table marts.stress_index_daily alter date set not null",
    "comment on table marts.stress_index_daily is 'The index, one row per printed day; it''s immutable.'",
    "comment on column marts.stress_index_daily.cmsi is 'Crypto Market Stress Index, 0 to 100.'",
    # dbt writes the database into its views, and one of these reads what is not published.
    "create view marts.stress_peaks as select date, cmsi from warehouse.marts.stress_index_daily where cmsi > 50",
    "create view marts.stress_peak_count as select count(*) as peak_count from warehouse.marts.stress_peaks",
    "comment on view marts.stress_peaks is 'Days above fifty.'",
    "create table intermediate.panel as select 1 as panel_id",
    "create view marts.panels as select panel_id from warehouse.intermediate.panel",
    "comment on view marts.panels is 'A view on what stays behind.'",
)


def _marts(restated: float) -> dict[str, pl.DataFrame]:
    random = np.random.default_rng(7)
    days = [FIRST_DAY + timedelta(days=i) for i in range((LAST_DAY - FIRST_DAY).days + 1)]
    of_pillar = {pillar: [k for k, row in INDICATORS.items() if row[0] == pillar] for pillar in PILLARS}
    rho = 0.5 * np.ones((6, 6)) + 0.5 * np.eye(6)
    index: Rows = []
    by_pillar: Rows = []
    by_indicator: Rows = []
    changes: Rows = []
    scores: Rows = []
    inputs: Rows = []
    pairs: Rows = []
    before: tuple[np.ndarray, float] | None = None
    for position, day in enumerate(days):
        missing = PILLARS[:3] if day == GAP_DAY else ()
        z = {k: float(np.clip(random.beta(2, 2) + position / 400, 0, 1)) for k in INDICATORS}
        s = np.array([0.0 if p in missing else np.mean([z[k] for k in of_pillar[p]]) for p in PILLARS])
        for indicator, (pillar, _, _) in INDICATORS.items():
            is_fresh = pillar not in missing
            value = z[indicator] * 40 + (restated if day == LAST_DAY and indicator == "vix" else 0.0)
            age = (4 if not is_fresh else 0) + (day.weekday() - 4 if pillar == "macro" and day.weekday() > 4 else 0)
            observed = day - timedelta(days=age)
            known = (value, z[indicator], z[indicator]) if is_fresh else (None, None, None)
            inputs.append((day, indicator, pillar, 0.5, *known, observed, age, age > 0, is_fresh))
        for pillar, score in zip(PILLARS, s, strict=True):
            is_valid = pillar not in missing
            score_or_null = float(score) if is_valid else None
            scores.append((day, pillar, score_or_null, score_or_null, is_valid, is_valid, 1.0 if is_valid else 0.0))
        pairs.extend((day, PILLARS[i], PILLARS[j], float(rho[i, j])) for i, j in combinations(range(6), 2))
        if missing:
            before = None
            continue
        x = s / 6
        q = float(x @ rho @ x)
        cmsi, linear = 100 * np.sqrt(q), 100 * x.sum()
        points = 100 * x * (rho @ x) / np.sqrt(q)
        regime = "severe" if cmsi > 55 else "high" if cmsi > 50 else "elevated" if cmsi > 45 else "calm"
        kind: tuple[object, ...] = (1.0, "official", regime, ["macro"], [], [], "cmsi-1.0")
        index.append((day, "simulated", cmsi, 50.0, q, linear, linear - cmsi, 0.5, *kind))
        for i, pillar in enumerate(PILLARS):
            by_pillar.append((day, pillar, points[i]))
            total = sum(z[k] for k in of_pillar[pillar])
            by_indicator.extend((day, pillar, k, points[i] * z[k] / total) for k in of_pillar[pillar])
        if before is not None:
            x0, cmsi0 = before
            kappa, middle = 100 / (cmsi / 100 + cmsi0 / 100), (x + x0) / 2
            level = 2 * kappa * (x - x0) * (rho @ middle)
            changes.extend((day, "level", pillar, "", level[i]) for i, pillar in enumerate(PILLARS))
            changes.append((day, "composition", "", "", 0.0))
        before = (x, cmsi)
    inflated = ("funding_neg_stress_3d", "hack_loss_30d")
    register: Rows = [
        (k, title, pillar, 0.5, k in inflated, 4, 365, unit, f"{k} = f(inputs)", DATASETS[0])
        for k, (pillar, title, unit) in INDICATORS.items()
    ]
    columns = {
        "stress_index_daily": "date market cmsi percentile q linear_bound discount mean_correlation coverage status "
        "regime pillar_alarms stale_inputs missing_reasons method_version",
        "stress_contributions_daily": "date pillar points",
        "stress_indicator_contributions_daily": "date pillar indicator points",
        "stress_changes_daily": "date term pillar_i pillar_j points",
        "stress_pillars_daily": "date pillar score mid_score is_valid is_usable fresh_weight_ratio",
        "stress_indicators_daily": "date indicator pillar weight value z z_mid observed_date age_days is_carried "
        "is_fresh",
        "stress_correlations_daily": "date pillar_i pillar_j rho",
        "stress_register": "indicator title pillar weight is_zero_inflated max_age_days min_observations unit formula "
        "inputs",
    }
    rows = (index, by_pillar, by_indicator, changes, scores, inputs, pairs, register)
    types: dict[str, pl.DataType | type[pl.DataType]] = {
        "stale_inputs": pl.List(pl.String),
        "missing_reasons": pl.List(pl.String),
    }
    return {
        name: pl.DataFrame(
            content,
            schema=[(column, types.get(column)) for column in names.split()],
            orient="row",
            infer_schema_length=None,
        )
        for (name, names), content in zip(columns.items(), rows, strict=True)
    }


def _notes(connection: duckdb.DuckDBPyConnection, is_simulated: bool, landed_at: datetime) -> None:
    title = "SIMULATED market, not real data" if is_simulated else "live market data"
    connection.execute(
        "create table meta.about as select $1 as market, $2 as title, $3 as is_simulated, $4::timestamptz as now_at, "
        "$5::date as last_closed_date, 'cmsi-1.0' as method_version",
        ["simulated" if is_simulated else "live", title, is_simulated, NOW, LAST_DAY],
    )
    connection.execute("create table ops.landings (run_id varchar, table_name varchar, landed_at timestamptz)")
    for name in DATASETS:
        connection.execute("insert into ops.landings values ('run-1', ?, ?)", [name, landed_at])
    connection.execute("create view meta.landing_runs as select * from warehouse.ops.landings")
    connection.execute(
        """
        create table meta.sources as
        select
            table_name,
            split_part(table_name, '__', 1) as provider,
            12 as row_count,
            -- The first is up to date, the second is late, the third never came.
            case row_number() over () when 1 then $1::timestamptz - interval 8 hour when 2 then $1 - interval 9 day end
                as newest_period_at,
            landed_at as last_landed_at,
            case row_number() over () when 3 then 'failed' else 'landed' end as last_status,
            case row_number() over () when 3 then 'fred.daily_series: [red]FRED[/red] cannot be reached' end
                as last_error
        from ops.landings
        """,
        [NOW],
    )


def _ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """First prints: the last is live, that of `RESTATED_DAY` is computed otherwise now. And where VIX is from."""
    connection.execute(
        """
        create table marts.stress_index_prints as
        select
            date, market, cmsi - case when date = $1 then 1.5 else 0 end as cmsi, percentile, q, linear_bound,
            mean_correlation, coverage, status, regime, lag(cmsi) over (order by date) as previous_cmsi,
            case when date = $2 then 'live' else 'reconstructed' end as basis,
            date + interval '1 day 30 minutes' as cutoff_at, $3::timestamptz as printed_at,
            sha256(cast(date as varchar)) as input_hash, 12 as input_count, method_version, 'code' as code_version,
            'run-1' as run_id
        from marts.stress_index_daily
        """,
        [RESTATED_DAY, LAST_DAY, NOW],
    )
    connection.execute(
        """
        create table marts.stress_print_pillars as
        select scores.*, 1 / 6 as weight, contributions.points
        from marts.stress_pillars_daily as scores
        left join marts.stress_contributions_daily as contributions using (date, pillar)
        where date in (select date from marts.stress_index_prints)
        """
    )
    connection.execute(
        """
        create table marts.stress_print_indicators as
        select inputs.*, $1::timestamptz as available_at, contributions.points
        from marts.stress_indicators_daily as inputs
        left join marts.stress_indicator_contributions_daily as contributions using (date, pillar, indicator)
        where date in (select date from marts.stress_index_prints)
        """,
        [NOW],
    )
    connection.execute(
        """
        create table marts.cmsi_latest as
        select
            daily.date, daily.cmsi, daily.regime, prints.cmsi as first_cmsi, prints.regime as first_regime,
            prints.basis as first_basis, prints.printed_at as first_printed_at, daily.cmsi - prints.cmsi as difference,
            abs(daily.cmsi - prints.cmsi) > 1e-9 as is_restated
        from marts.stress_index_daily as daily
        inner join marts.stress_index_prints as prints using (date)
        """
    )
    later = NOW + timedelta(hours=5)
    connection.execute(
        """
        create table marts.stress_restated_inputs_daily as
        select $1::date as date, 'vix' as indicator, $2::timestamptz as printed_at, $1::date as first_observed_date
        """,
        [RESTATED_DAY, NOW],
    )
    connection.execute(
        """
        create table quality.restatements as
        select 'fred__daily_series' as table_name, 'VIXCLS' as entity, 'value' as column_name,
            $1::date::timestamptz as period_at, '17.5' as value_before, '18.25' as value_after,
            $2::timestamptz as restated_at
        """,
        [RESTATED_DAY, later],
    )
    connection.execute(
        """
        create table marts.indicator_lineage as
        select 'vix' as indicator, 'series' as part, 'fred__daily_series' as table_name, 'VIXCLS' as series,
            0::integer as lookback_days
        """
    )
    connection.execute(
        """
        create table meta.body_days as
        select 'fred__daily_series' as table_name, series, date, body_sha256, 'run-1' as run_id,
            retrieved_at, 1 as row_count
        from (select distinct date from marts.stress_indicators_daily), (values ('VIXCLS'), ('DGS2')) as kinds(series),
            (values ($1, $2::timestamptz)) as bodies(body_sha256, retrieved_at)
        union all
        select 'fred__daily_series', 'VIXCLS', $5::date, $3, 'run-2', $4::timestamptz, 1
        """,
        [BODY_SHA256, NOW, "f" * 64, later, RESTATED_DAY],
    )
    connection.execute(
        """
        create table meta.bodies as
        select distinct
            table_name, body_sha256, retrieved_at, 'GET' as method, 'https://fred.test/csv' as url,
            '{"id": "[VIXCLS]"}' as params, '' as content,
            'fred/daily_series/2025-12-05/body.csv' as path, 1 as sequence
        from meta.body_days
        """
    )
