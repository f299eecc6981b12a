{# The panel of the stress index: the newest rank of every input, carried while young enough, then missing. #}
with inputs as (
    select * from {{ ref("int_index_inputs") }}
    where panel = 'cmsi_rolling'
),

final as (
    select
        date,
        indicator,
        pillar,
        weight,
        value,
        z,
        z_mid,
        observed_date,
        age_days,
        is_carried,
        is_fresh
    from inputs
)

select * from final
