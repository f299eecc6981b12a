{#
    N5: gravest act of an authority or exchange first reported on a day, 1 to 3. An annotation: a day without one has no
    row, because the list is short and made by hand, and silence in it says nothing.
#}
with events as (
    select * from {{ ref("dim_regulatory_events") }}
),

final as (
    select
        first_reported_on as observed_date,
        'market' as scope,
        max(severity) as value,
        max(available_at) as available_at
    from events
    where first_reported_on is not null
    group by first_reported_on
)

select * from final
