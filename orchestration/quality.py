"""What is odd about the rows of a table, by rules that hold for any table.

The rules know no market: they go by the descriptor (key, period, calendar, types) and by what is usual in the series
itself, so a new dataset is watched from its first row. Nothing is corrected or left out; findings go into
`ops.findings`, from there into the published schema `quality` and the checks of the asset. Rules that need to know what
a figure means (parts and sums, bids and asks, two vendors of one thing) are dbt models below `models/quality/`.

A series is the rows of one key without its time. Figures are the newest vintage. Chance is that of a run arising where
neighbours are equal as often as they are in the series: a funding rate that rests at its base is usual, an account
ratio that rests anywhere is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache

import duckdb
import holidays
import polars as pl

from orchestration.warehouse import Warehouse, entity_sql, literal_sql, merged, text_sql
from sources.dataset import UTC, Dataset, Window

RULES: Mapping[str, str] = {
    "gap": "Rows are missing between two others of a series that is otherwise regular.",
    "frozen": "A figure repeats itself for longer than chance allows.",
    "zero_run": "Zeros in a row for longer than chance allows, or nothing but zeros.",
    "jump": "A figure differs from the one before by far more than is usual: another unit, or a glitch.",
    "negative": "A negative figure in a series that is otherwise positive.",
    "no_values": "A declared figure that the provider never fills for a series.",
    "not_a_session": "A row on a day on which the market of its calendar is closed.",
    "unusual_weekday": "A weekly row on another weekday than the others.",
    "future_row": "A row about a period that had not begun when it was retrieved.",
    "conflicting_rows": "A key that came more than once in one landing, with other values.",
    "first_date_moved": "An answer that begins later than an earlier one to the same question: history was cut.",
}
"""Name and meaning of every rule of this module."""

_CONTEXT = timedelta(days=60)
_WHOLE_BELOW = 300_000
_CHANCE = 0.01
_LEAST_RUN, _LEAST_ROWS, _LEAST_PEERS = 3, 20, 3
_REGULAR_SHARE = 0.8
_FIRST_SESSION_YEAR, _LAST_SESSION_YEAR = 2016, 2035

_COLUMNS = ("rule", "entity", "column_name", "started_at", "ended_at", "row_count", "measure", "detail")


def examine(warehouse: Warehouse, dataset: Dataset, touched: Window, now: datetime) -> int:
    """Apply every rule to what may have changed in a dataset; return how many findings there are about it.

    Args:
        warehouse: where the rows are.
        dataset: whose rows.
        touched: periods that were landed. A large table is read around them only.
        now: when findings are made, by the market's clock.

    Raises:
        orchestration.warehouse.WarehouseError: the warehouse cannot be used.
    """
    with warehouse.connect(f"examining {dataset.table}") as connection:
        span = _span(connection, dataset, touched)
        _read(connection, dataset, span)
        connection.execute(f"create temp table found as {' union all by name '.join(_queries(dataset))}")
        _keep(connection, dataset, span, now)
        connection.execute("drop table found; drop table examined; drop table steps")
        row = connection.execute("select count(*) from ops.findings where table_name = ?", [dataset.table]).fetchone()
        return int(row[0]) if row else 0


def _span(connection: duckdb.DuckDBPyConnection, dataset: Dataset, touched: Window) -> Window | None:
    """The periods to read; None for all of them."""
    row = connection.execute(f'select count(*) from raw."{dataset.table}"').fetchone()
    if row is None or row[0] <= _WHOLE_BELOW:
        return None
    span = Window(touched.start - _CONTEXT, touched.end + _CONTEXT)
    known = connection.execute(
        "select started_at, ended_at from ops.findings where table_name = ? order by started_at", [dataset.table]
    ).fetchall()
    # A finding that reaches into the span is read whole, or it would come out shorter than it is.
    for start, end in known:
        finding = Window(start.astimezone(UTC), end.astimezone(UTC) + timedelta(microseconds=1))
        if finding.start < span.end and span.start < finding.end:
            (span,) = merged([span, finding])
    return span


def _read(connection: duckdb.DuckDBPyConnection, dataset: Dataset, span: Window | None) -> None:
    """Make temp tables: `examined`, the newest vintages with their time and series, and `steps`, their usual rhythm."""
    name = dataset.time_column
    bounds = "true"
    if span is not None:
        first, last = span.start, span.end
        if dataset.schema[name] == pl.Date:
            first, last = first.date(), last.date()  # type: ignore[assignment]
        bounds = f'"{name}" >= {literal_sql(first)} and "{name}" < {literal_sql(last)}'
    keys = ", ".join(f'"{key}"' for key in dataset.key)
    figures = "".join(f', "{figure}"' for figure in _figures(dataset))
    position, sessions = "null::bigint", ""
    if dataset.cadence.calendar == "nyse":
        connection.register("sessions", _sessions().to_arrow())
        position, sessions = "sessions.position", "left join sessions on session_date = cast(period as date)"
    connection.execute(
        f"""
        create or replace temp table examined as
        with newest as (
            select {entity_sql(dataset)} as entity, "{name}" as period, _vintage_at {figures}
            from raw."{dataset.table}"
            where {bounds}
            qualify row_number() over (partition by {keys} order by _vintage_at desc, rowid desc) = 1
        ),

        placed as (
            select newest.*, cast(period as timestamptz) as moment, {position} as position
            from newest
            {sessions}
        )

        select *, lag(moment) over series as moment_before, lag(position) over series as position_before
        from placed
        window series as (partition by entity order by moment)
        """
    )
    connection.execute(
        """
        create or replace temp table steps as
        with differences as (
            select entity, epoch(moment) - epoch(moment_before) as step, position - position_before as sessions
            from examined
            where moment_before is not null
        ),

        usual as (
            select entity, mode(step) as step, coalesce(mode(sessions) = 1, false) as is_by_session
            from differences
            group by entity
        )

        select
            entity,
            usual.step,
            is_by_session,
            count(*) as difference_count,
            avg(case when differences.step = usual.step then 1.0 else 0 end) as regular_share
        from differences
        inner join usual using (entity)
        group by entity, usual.step, is_by_session
        """
    )


def _keep(connection: duckdb.DuckDBPyConnection, dataset: Dataset, span: Window | None, now: datetime) -> None:
    """Put what was found in the place of what was known of the same periods; what was known stays found when it was."""
    table = text_sql(dataset.table)
    within = "true"
    if span is not None:
        within = f"started_at < {literal_sql(span.end)} and ended_at >= {literal_sql(span.start)}"
    names = ", ".join(_COLUMNS)
    connection.begin()
    connection.execute(
        f"create or replace temp table known as select * from ops.findings where table_name = {table} and {within}"
    )
    connection.execute(f"delete from ops.findings where table_name = {table} and {within}")
    connection.execute(
        f"""
        insert into ops.findings by name
        select {table} as table_name, found.*, coalesce(known.found_at, {literal_sql(now)}) as found_at
        from (select {names} from found) as found
        left join (
            select rule, entity, column_name, started_at, min(found_at) as found_at from known group by all
        ) as known
            using (rule, entity, column_name, started_at)
        order by started_at, rule, entity, column_name
        """
    )
    connection.execute("drop table known")
    connection.commit()


def _figures(dataset: Dataset) -> list[str]:
    return [
        name for name, dtype in dataset.schema.items() if dtype in (pl.Float64, pl.Int64) and name not in dataset.key
    ]


@lru_cache(maxsize=1)
def _sessions() -> pl.DataFrame:
    """NYSE sessions, numbered."""
    closed = holidays.financial_holidays("NYSE", years=range(_FIRST_SESSION_YEAR, _LAST_SESSION_YEAR + 1))
    days = pl.date_range(date(_FIRST_SESSION_YEAR, 1, 1), date(_LAST_SESSION_YEAR, 12, 31), eager=True)
    open_days = [day for day in days if day.weekday() < 5 and day not in closed]
    return pl.DataFrame({"session_date": open_days, "position": range(len(open_days))})


def _queries(dataset: Dataset) -> Iterator[str]:
    """One query per rule, or per rule and column; all give `_COLUMNS`."""
    yield _gaps(dataset)
    for figure in _figures(dataset):
        # A count may well be the same for ever.
        if dataset.schema[figure] == pl.Float64:
            yield _runs(figure)
        yield _jumps(figure)
        yield _negatives(figure)
        yield _no_values(figure)
    if dataset.cadence.calendar == "nyse":
        yield _rows_where(
            "not_a_session",
            f"""position is null and year(period) between {_FIRST_SESSION_YEAR} and {_LAST_SESSION_YEAR}
                and (select is_by_session from steps where steps.entity = examined.entity)""",
            "'a row on ' || strftime(moment, '%A %Y-%m-%d') || ', when the exchange is closed'",
        )
    if dataset.schema[dataset.time_column] == pl.Date:
        yield _rows_where(
            "unusual_weekday",
            """(select step = 7 * 86400 and difference_count >= 8 from steps where steps.entity = examined.entity)
                and dayofweek(moment) <> (
                    select mode(dayofweek(peers.moment)) from examined as peers where peers.entity = examined.entity
                )""",
            "'a weekly row on a ' || strftime(moment, '%A')",
        )
    yield _rows_where(
        "future_row", "moment > _vintage_at", "'retrieved at ' || strftime(_vintage_at, '%Y-%m-%d %H:%M')"
    )
    yield _conflicts(dataset)
    yield _first_dates(dataset)


def _rows_where(rule: str, condition: str, detail: str) -> str:
    return f"""
        select {text_sql(rule)} as rule, entity, '' as column_name, moment as started_at, moment as ended_at,
            1::bigint as row_count, null::double as measure, {detail} as detail
        from examined
        where {condition}"""


def _gaps(dataset: Dataset) -> str:
    """Distances of more than one and a half usual steps, in series of which most distances are the usual one."""
    # A single session can be a holiday of another market than the exchange's, such as that of bonds.
    distances = f"""
            select
                entity,
                moment_before,
                moment,
                case
                    when is_by_session then position - position_before - 1
                    else cast(round((epoch(moment) - epoch(moment_before)) / step) as bigint) - 1
                end as missing,
                case when is_by_session then 2 else 1 end as least
            from examined
            inner join steps using (entity)
            where moment_before is not null and step > 0 and difference_count >= 5
                and (is_by_session or regular_share >= {_REGULAR_SHARE})
                and (is_by_session or epoch(moment) - epoch(moment_before) > 1.5 * step)"""
    table = text_sql(dataset.table)
    asked = f"table_name = {table} and window_start < moment and window_end > moment_before"
    reasons = (
        ("retrievals", "outcome = 'quarantined'", "'a response could not be read: ' || any_value(message)"),
        ("landings", "status = 'failed'", "'no answer: ' || any_value(error_message)"),
        ("retrievals", "outcome = 'absent'", "'not published'"),
        ("landings", "status <> 'failed'", "'the provider answered and had none'"),
    )
    found = ", ".join(
        f"(select {said} from ops.{source} where {asked} and {condition} having count(*) > 0)"
        for source, condition, said in reasons
    )
    return f"""
        select 'gap' as rule, entity, '' as column_name, moment_before as started_at, moment as ended_at,
            missing as row_count, missing::double as measure,
            missing || ' missing: ' || coalesce({found}, 'never asked for') as detail
        from ({distances}) as distances
        where missing >= least"""


def _runs(figure: str) -> str:
    """Runs of equal neighbours of a figure, held against what is usual in the series.

    A value that often rests may rest longer, by its other runs: a run does not excuse itself. Where runs are common, as
    of a pegged coin by the minute, one has to stand out among them. Several series that stand still over the very same
    time do not do so by chance.
    """
    return f"""
        (
        with marked as (
            select
                entity,
                moment,
                "{figure}" as value,
                "{figure}" is distinct from lag("{figure}") over (partition by entity order by moment) as is_new
            from examined
            where "{figure}" is not null
        ),

        numbered as (
            select
                *,
                sum(is_new::integer) over (partition by entity order by moment rows unbounded preceding) as island
            from marked
        ),

        islands as materialized (
            select
                entity,
                any_value(value) as value,
                count(*) as length,
                min(moment) as started_at,
                max(moment) as ended_at
            from numbered
            group by entity, island
        ),

        usual as (
            select
                entity,
                sum(length) as row_count,
                1 - count(*) / sum(length) as equal_share,
                sum(length) filter (where value = 0) / sum(length) as zero_share,
                count(*) filter (where length > 1) as run_count,
                quantile_cont(length, 0.95) filter (where length > 1) as long_run
            from islands
            group by entity
            having sum(length) >= {_LEAST_ROWS}
        ),

        long_ones as materialized (
            select islands.*, usual.* exclude (entity)
            from islands
            inner join usual using (entity)
            where islands.length >= {_LEAST_RUN}
        ),

        same_value as (
            select entity, value, count(*) as runs, sum(length) as rows_of_it
            from islands
            semi join long_ones using (entity, value)
            group by entity, value
        ),

        together as (
            select started_at, ended_at, count(distinct entity) as peers
            from long_ones
            where value <> 0 and length > {_LEAST_RUN}
            group by started_at, ended_at
        ),

        judged as (
            select
                long_ones.*,
                coalesce(peers, 0) as peers,
                case when runs >= 4 then 1 - (runs - 1) / (rows_of_it - length) else 0 end as rest_share
            from long_ones
            inner join same_value using (entity, value)
            left join together using (started_at, ended_at)
        )

        select
            case when value = 0 then 'zero_run' else 'frozen' end as rule,
            entity,
            {text_sql(figure)} as column_name,
            started_at,
            ended_at,
            length as row_count,
            value::double as measure,
            case
                when zero_share = 1 then 'zero in all ' || length || ' rows'
                else length || ' rows of ' || value
            end as detail
        from judged
        where case
            when value = 0 and zero_share = 1 then true
            when value <> 0 and length > {_LEAST_RUN} and peers >= {_LEAST_PEERS} and rest_share < 0.5 then true
            when run_count >= 10 and length < 2 * long_run then false
            when value = 0 then row_count * pow(greatest(zero_share, 1 / row_count), length) < {_CHANCE}
            else row_count * pow(greatest(equal_share, rest_share, 1 / row_count), length - 1) < {_CHANCE}
        end
        )"""


def _jumps(figure: str) -> str:
    """Changes tenfold and more that are twice as large, in logarithms, as all but one in a hundred."""
    return f"""
        (
        with changes as (
            select
                entity,
                moment,
                "{figure}"::double as value,
                lag("{figure}"::double) over (partition by entity order by moment) as before
            from examined
            where "{figure}" is not null
        ),

        usual as (
            select entity, quantile_cont(abs(ln(value / before)), 0.99) as change
            from changes
            where value > 0 and before > 0
            group by entity
            having count(*) >= {_LEAST_ROWS}
        ),

        positive as (
            select entity from changes group by entity having avg(case when value < 0 then 1.0 else 0 end) < 0.001
        )

        select 'jump' as rule, entity, {text_sql(figure)} as column_name, moment as started_at, moment as ended_at,
            1::bigint as row_count, value / before as measure, 'from ' || before || ' to ' || value as detail
        from changes
        inner join usual using (entity)
        semi join positive using (entity)
        where value > 0 and before > 0 and abs(ln(value / before)) > greatest(ln(10), 2 * change)
        )"""


def _negatives(figure: str) -> str:
    return f"""
        select 'negative' as rule, entity, {text_sql(figure)} as column_name, moment as started_at, moment as ended_at,
            1::bigint as row_count, "{figure}"::double as measure, 'negative: ' || "{figure}" as detail
        from examined
        semi join (
            select entity from examined group by entity
            having count("{figure}") >= 200
                and count(*) filter (where "{figure}" < 0) between 1 and 0.01 * count("{figure}")
        ) as mostly_positive using (entity)
        where "{figure}" < 0"""


def _no_values(figure: str) -> str:
    """Said once for the table where no series has any value."""
    return f"""
        (
        with filled as (
            select
                case when (select count("{figure}") from examined) = 0 then '' else entity end as entity,
                "{figure}",
                moment
            from examined
        )

        select 'no_values' as rule, entity, {text_sql(figure)} as column_name,
            min(moment) as started_at, max(moment) as ended_at, count(*) as row_count,
            null::double as measure, 'null in all ' || count(*) || ' rows' as detail
        from filled
        group by entity
        having count("{figure}") = 0 and count(*) >= {_LEAST_RUN}
        )"""


def _conflicts(dataset: Dataset) -> str:
    return f"""
        select 'conflicting_rows' as rule, '' as entity, '' as column_name, window_start as started_at,
            max(window_end) as ended_at, max(conflicting_row_count) as row_count, null::double as measure,
            'keys that came again with other values within one landing; the last one counts' as detail
        from ops.landings
        where table_name = {text_sql(dataset.table)} and conflicting_row_count > 0
        group by window_start"""


def _first_dates(dataset: Dataset) -> str:
    """Landings that asked as far back as an earlier one had rows, and got less; the pages of one are one answer."""
    return f"""
        (
        with answers as (
            select series, run_id, window_start, min(retrieved_at) as retrieved_at, min(first_period_at) as first_at
            from ops.retrievals
            where table_name = {text_sql(dataset.table)} and first_period_at is not null
            group by series, run_id, window_start
        )

        select 'first_date_moved' as rule, later.series as entity, '' as column_name,
            min(earlier.first_at) as started_at, later.first_at as ended_at, 1::bigint as row_count,
            null::double as measure,
            'an answer of ' || strftime(later.retrieved_at, '%Y-%m-%d') || ' begins on '
            || strftime(later.first_at, '%Y-%m-%d') || ', an earlier one began on '
            || strftime(min(earlier.first_at), '%Y-%m-%d') || '; the rows between are kept' as detail
        from answers as later
        inner join answers as earlier
            on later.series = earlier.series and earlier.retrieved_at < later.retrieved_at
                and earlier.first_at < later.first_at and later.window_start <= earlier.first_at
        group by later.series, later.retrieved_at, later.first_at
        )"""
