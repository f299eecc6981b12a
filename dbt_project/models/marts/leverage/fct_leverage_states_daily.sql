{#
    Is leverage cleared? On each day a state of each asset and of the market, from what was usable by its cut-off.

    Any day of forced selling (a percentile of 95 or more of liquidations over open interest, of what the fall of open
    interest implies where no venue reports, or of the week's fall) is FLUSHING and begins an episode. After it CLEARING, until three days in a row meet four of the flags, those
    of positions, leverage ratio and liquidations among them: CLEARED. A tenth more coins than at the trough of the episode
    while funding is at its 75th percentile is RELEVERING; open interest within 5 % of its 90-day peak is BUILDING again.
    Because every flush starts anew, the state is a matter of what happened since the last one, and windows tell it.
#}
with evidence as (
    select * from {{ ref("int_leverage_evidence") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

spans as (
    select min(evidence.usable_date) as first_date, max(market.last_closed_date) as last_date
    from evidence
    cross join market
    where evidence.evidence = 'oi_coin'
),

scopes as (
    select scope, min(usable_date) as first_date
    from evidence
    where evidence = 'oi_coin'
    group by scope
),

days as (
    {{ date_rows("(select first_date from spans)", "(select last_date from spans)") }}
),

wide as (
    select
        scopes.scope,
        days.date,
        {%- for name in ["oi_coin", "oi_drawdown", "clearing_elasticity", "price_since_peak", "oi_speed", "elr", "oi_to_mcap",
            "funding_7d", "liq_intensity", "liq_intensity_3d", "fall_intensity", "fall_intensity_3d", "iv_term_inv"] %}
        max(case when evidence.evidence = '{{ name }}' then evidence.value end) as {{ name }},
        max(case when evidence.evidence = '{{ name }}' then evidence.percentile_pct end) as {{ name }}_pct,
        {%- endfor %}
        max(case when evidence.evidence = 'funding_7d' then evidence.median_value end) as funding_norm,
        max(evidence.available_at) as available_at
    from days
    inner join scopes on days.date >= scopes.first_date
    left join evidence on scopes.scope = evidence.scope and days.date = evidence.usable_date
    group by scopes.scope, days.date
),

-- What is a day late stands for the day; what is three days late is missing.
carried as (
    select
        scope,
        date,
        oi_coin,
        oi_drawdown,
        clearing_elasticity,
        price_since_peak,
        oi_speed,
        oi_speed_pct,
        {%- for name in ["elr", "elr_pct", "oi_to_mcap", "oi_to_mcap_pct", "funding_7d", "funding_7d_pct", "funding_norm",
            "liq_intensity", "liq_intensity_pct", "liq_intensity_3d_pct", "fall_intensity_pct", "fall_intensity_3d_pct",
            "iv_term_inv"] %}
        {{ value_at_max(name, "case when " ~ name ~ " is not null then date end") }} over last_days as {{ name }},
        {%- endfor %}
        max(available_at) over last_days as available_at
    from wide
    window last_days as (partition by scope order by date range between interval '2 days' preceding and current row)
),

-- What venues report goes before what the fall of open interest implies; a day is judged by one of the two.
measured as (
    select
        *,
        coalesce(liq_intensity_pct, fall_intensity_pct) as selling_pct,
        case when liq_intensity_pct is not null then liq_intensity_3d_pct else fall_intensity_3d_pct end as selling_3d_pct,
        case
            when liq_intensity_pct is not null then 'reported'
            when fall_intensity_pct is not null then 'implied'
        end as selling_basis
    from carried
),

-- A flush within 30 days, today included.
recent as (
    select
        *,
        max(selling_pct) over (
            partition by scope order by date range between interval '29 days' preceding and current row
        ) as worst_selling_pct
    from measured
),

flags as (
    select
        *,
        oi_drawdown >= 20 as is_positions_left,
        case
            when oi_drawdown <= 0 then false
            when clearing_elasticity is not null then clearing_elasticity > 0.3 or price_since_peak >= 0
            when price_since_peak is not null then true
        end as is_elastic,
        elr_pct <= 50 or oi_to_mcap_pct <= 50 as is_leverage_low,
        funding_7d_pct <= 50 and abs(funding_7d - funding_norm) <= 0.5 as is_funding_normal,
        selling_3d_pct <= 60 and worst_selling_pct >= 95 as is_flush_over,
        iv_term_inv <= 0 as is_term_upright,
        case
            when coalesce(selling_pct, oi_speed_pct) is not null
                then coalesce(selling_pct >= 95, false) or coalesce(oi_speed_pct >= 95, false)
        end as is_flush
    from recent
),

counted as (
    select
        *,
        {% set names = ["is_positions_left", "is_elastic", "is_leverage_low", "is_funding_normal", "is_flush_over", "is_term_upright"] -%}
        {% for name in names %}case when {{ name }} then 1 else 0 end{{ " + " if not loop.last }}{% endfor %} as met_count,
        {% for name in names %}case when {{ name }} is null then 0 else 1 end{{ " + " if not loop.last }}{% endfor %}
            as available_count,
        sum(case when is_flush then 1 else 0 end) over (
            partition by scope order by date rows between unbounded preceding and current row
        ) as episode
    from flags
),

cleared as (
    select
        *,
        coalesce(is_positions_left and is_leverage_low and is_flush_over and met_count >= 4 and not is_flush, false)
            as is_cleared_day,
        min(oi_coin) over since_flush as trough_coin
    from counted
    window since_flush as (
        partition by scope, episode order by date rows between unbounded preceding and current row
    )
),

events as (
    select
        *,
        episode > 0
        and sum(case when is_cleared_day then 1 else 0 end) over last_three = 3 as is_cleared_for_three,
        coalesce(oi_coin >= 1.1 * trough_coin and funding_7d_pct >= 75, false) as is_relevered_day,
        coalesce(oi_drawdown < 5, false) as is_rebuilt_day
    from cleared
    window last_three as (partition by scope, episode order by date rows between 2 preceding and current row)
),

states as (
    select
        *,
        case
            when is_flush is null or oi_drawdown is null then null
            when is_flush then 'FLUSHING'
            when episode = 0 then 'BUILDING'
            when max(case when is_rebuilt_day and not is_flush then 1 else 0 end) over since_flush = 1 then 'BUILDING'
            when max(case when is_relevered_day and not is_flush then 1 else 0 end) over since_flush = 1 then 'RELEVERING'
            when max(case when is_cleared_for_three then 1 else 0 end) over since_flush = 1 then 'CLEARED'
            else 'CLEARING'
        end as state
    from events
    window since_flush as (
        partition by scope, episode order by date rows between unbounded preceding and current row
    )
),

changes as (
    select
        *,
        case
            when state is distinct from lag(state) over (partition by scope order by date) then 1
            else 0
        end as is_change
    from states
),

spells as (
    select
        *,
        sum(is_change) over (partition by scope order by date rows between unbounded preceding and current row) as spell
    from changes
),

final as (
    select
        date,
        scope,
        state,
        case when state is not null then row_number() over (partition by scope, spell order by date) end as state_day_count,
        1.0 * met_count / nullif(available_count, 0) as score_ratio,
        cast(met_count as bigint) as met_flag_count,
        cast(available_count as bigint) as available_flag_count,
        is_positions_left,
        oi_drawdown >= 15 as is_positions_left_15,
        oi_drawdown >= 25 as is_positions_left_25,
        is_elastic,
        is_leverage_low,
        is_funding_normal,
        is_flush_over,
        is_term_upright,
        {%- set missing = [] -%}
        {%- for name, flag in [("positions", "is_positions_left"), ("elasticity", "is_elastic"), ("leverage", "is_leverage_low"),
            ("funding", "is_funding_normal"), ("liquidations", "is_flush_over"), ("term_structure", "is_term_upright")] %}
        {%- do missing.append("case when " ~ flag ~ " is null then '" ~ name ~ "' end") -%}
        {%- endfor %}
        concat_ws(', ', {{ missing | join(", ") }}) as missing_flags,
        oi_coin as open_interest_coin,
        oi_drawdown as drawdown_90d_pct,
        clearing_elasticity as clearing_elasticity_ratio,
        oi_speed as speed_7d_pct,
        oi_speed_pct as speed_7d_percentile_pct,
        elr as leverage_ratio,
        elr_pct as leverage_percentile_pct,
        oi_to_mcap as open_interest_to_market_cap_pct,
        oi_to_mcap_pct as open_interest_to_market_cap_percentile_pct,
        funding_7d as funding_7d_bp,
        funding_7d_pct as funding_7d_percentile_pct,
        funding_norm as funding_norm_bp,
        liq_intensity as liquidation_intensity_pct,
        selling_basis as liquidation_basis,
        selling_pct as liquidation_percentile_pct,
        selling_3d_pct as liquidation_3d_percentile_pct,
        iv_term_inv as term_inversion_pct,
        case when state is not null then available_at end as available_at
    from spells
)

select * from final
