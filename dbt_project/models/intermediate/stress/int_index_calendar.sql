{{ config(materialized="table") }}

with observations as (
    select * from {{ ref("int_index_observations") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

bounds as (
    select
        min(observations.usable_date) as first_date,
        max(market.last_closed_date) as last_date
    from observations
    cross join market
),

final as (
    {{ date_rows("(select first_date from bounds)", "(select last_date from bounds)") }}
)

select * from final
