{#
    The whole register: every indicator of the method, what it means and where it counts. What lacks data stands here as
    well, with the reason.
#}
with index_inputs as (
    select * from {{ ref("int_index_register") }}
),

others as (
    {% for subject in ["flows", "derivatives", "liquidity", "macro"] %}
    select * from {{ ref("indicators_" ~ subject) }}
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        indicator,
        code,
        title,
        pillar as subject,
        'market' as scope,
        unit,
        1 as sign,
        time_window,
        index_name as role,
        formula,
        inputs,
        'computed' as status,
        cast(null as varchar) as reason
    from index_inputs
    union all
    select
        indicator,
        code,
        title,
        subject,
        scope,
        unit,
        sign,
        "window" as time_window,
        role,
        formula,
        inputs,
        status,
        reason
    from others
)

select * from final
