{{ config(materialized="table") }}

{# Each claim measured by each of its definitions; the queries stand in macros/claims.sql. #}
with readings as (
    {% for claim, definition, unit, low, high, query in claim_readings() %}
    select
        '{{ claim }}' as claim,
        {{ loop.index }} as reading_number,
        '{{ definition | replace("'", "''") }}' as definition,
        '{{ unit }}' as unit,
        cast({{ low if low is not none else "null" }} as double) as low_bound,
        cast({{ high if high is not none else "null" }} as double) as high_bound,
        cast(({{ claim_query(query) }}) as double) as value,
        '{{ query | replace("[", "marts.") | replace("]", "") | replace("'", "''") }}' as query
    {{ "union all" if not loop.last }}
    {% endfor %}
),

final as (
    select
        *,
        case
            when value is not null
                then value >= coalesce(low_bound, value) and value <= coalesce(high_bound, value)
        end as holds
    from readings
)

select * from final
