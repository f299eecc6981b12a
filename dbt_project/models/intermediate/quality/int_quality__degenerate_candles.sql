{%- set candles = [
    ("coinglass__open_interest", "asset", "open_interest_open_usd", "open_interest_high_usd", "open_interest_low_usd", "open_interest_usd"),
    ("coinglass__funding_rates", "asset", "funding_rate_open_pct", "funding_rate_high_pct", "funding_rate_low_pct", "funding_rate_pct"),
] -%}

with candles as (
    {%- for table, entity, opened, highest, lowest, closed in candles %}
    select
        '{{ table }}' as table_name,
        {{ entity }} as entity,
        '{{ highest }}' as column_name,
        date,
        case when {{ opened }} = {{ closed }} and {{ highest }} = {{ closed }} and {{ lowest }} = {{ closed }} then 1 else 0 end
            as is_flat
    from {{ ref("stg_" ~ table) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

final as (
    select
        table_name,
        entity,
        column_name,
        cast(min(date) as timestamp with time zone) as started_at,
        cast(max(date) as timestamp with time zone) as ended_at,
        sum(is_flat) as row_count,
        avg(cast(is_flat as double)) as measure,
        cast(sum(is_flat) as varchar) || ' of ' || cast(count(*) as varchar) || ' candles have no range' as detail
    from candles
    group by table_name, entity, column_name
    having count(*) >= 20 and avg(cast(is_flat as double)) > 0.5
)

select * from final
