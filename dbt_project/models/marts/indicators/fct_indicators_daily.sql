{# Every indicator in long form, in its own unit; see dim_indicators for what each means and which way is stress. #}
with readings as (
    select
        indicator,
        'market' as scope,
        observed_date,
        value,
        available_at
    from {{ ref("int_indicator_values") }}
    {% for subject in ["flows", "derivatives", "liquidity", "macro"] %}
    union all
    select
        indicator,
        scope,
        observed_date,
        value,
        available_at
    from {{ ref("int_indicator_values__" ~ subject) }}
    {% endfor %}
),

final as (
    select
        observed_date as date,
        indicator,
        scope,
        value,
        available_at
    from readings
)

select * from final
