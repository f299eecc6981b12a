{{ config(materialized="table") }}
{#
    Liquidations of loans by day. A day is there once the chain was read through all of it, so that a day without a
    liquidation is a zero and a day that was not read is no row. The days are those of the value locked on the chain.

    A day is known twenty minutes after its end, when its last block is final; later if a row or a price came later.
#}
with calls as (
    select * from {{ ref("int_defi_liquidation_calls") }}
),

landings as (
    select * from {{ ref("stg_ops__read_windows") }}
    where table_name = 'aave__liquidation_calls'
),

chain_tvl as (
    select * from {{ ref("stg_defillama__chains_tvl") }}
    where chain = 'Ethereum' and tvl_usd > 0
),

reach as (
    select
        window_started_at,
        window_ended_at,
        max(window_ended_at) over (
            order by window_started_at, window_ended_at rows between unbounded preceding and 1 preceding
        ) as read_until
    from landings
),

stretches as (
    select
        window_started_at,
        window_ended_at,
        sum(case when window_started_at <= read_until then 0 else 1 end) over (
            order by window_started_at, window_ended_at rows unbounded preceding
        ) as stretch
    from reach
),

read_through as (
    select
        min(window_started_at) as started_at,
        max(window_ended_at) as ended_at
    from stretches
    group by stretch
),

-- The value locked when the day began: a day that drains the pools must not shrink what it is measured by.
days as (
    select
        cast(chain_tvl.date + interval '1 day' as date) as date,
        chain_tvl.tvl_usd as opening_tvl_usd,
        chain_tvl.available_at
    from chain_tvl
    inner join read_through
        on
            read_through.started_at <= chain_tvl.date + interval '1 day'
            and read_through.ended_at >= chain_tvl.date + interval '2 days'
),

-- Added up as decimals: the sum must be the same to the last bit whatever the order of the rows.
sums as (
    select
        date,
        count(*) as call_count,
        count(notional_usd) as priced_call_count,
        cast(sum(cast(notional_usd as decimal(38, 6))) as double) as notional_usd,
        cast(sum(cast(penalty_usd as decimal(38, 6))) as double) as penalty_usd,
        cast(
            sum(case when penalty_usd is not null then cast(notional_usd as decimal(38, 6)) end) as double
        ) as penalised_usd,
        max(notional_usd) as largest_usd,
        max(available_at) as available_at
    from calls
    group by date
),

final as (
    select
        days.date,
        coalesce(sums.call_count, 0) as call_count,
        coalesce(sums.priced_call_count, 0) as priced_call_count,
        case when sums.call_count is null then 0.0 else sums.notional_usd end as notional_usd,
        case when sums.call_count is null then 0.0 else sums.penalty_usd end as penalty_usd,
        case when sums.call_count is null then 0.0 else coalesce(sums.penalised_usd, 0.0) end as penalised_usd,
        sums.largest_usd,
        days.opening_tvl_usd,
        greatest(
            sums.available_at,
            days.available_at,
            cast(days.date as timestamp with time zone) + interval '1 day' + interval '20 minutes'
        ) as available_at
    from days
    left join sums on days.date = sums.date
)

select * from final
