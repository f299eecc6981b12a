{{ config(materialized="table") }}

{# The panel by day: the newest rank of every input that has entered, carried while young enough, then missing. #}
with observations as (
    select * from {{ ref("int_index_observations") }}
),

register as (
    select * from {{ ref("int_index_register") }}
),

panels as (
    select * from {{ ref("int_index_panels") }}
),

calendar as (
    select * from {{ ref("int_index_calendar") }}
),

members as (
    select
        panels.panel,
        register.indicator,
        register.pillar,
        register.weight,
        register.max_age_days as max_age
    from register
    inner join panels on register.index_name = panels.index_name
),

panel as (
    {{ index_panel("observations", "members", "calendar", "date") }}
),

final as (
    select
        date,
        panel,
        indicator,
        pillar,
        weight,
        value,
        z,
        z_mid,
        observed_date,
        age as age_days,
        is_carried,
        is_fresh
    from panel
)

select * from final
