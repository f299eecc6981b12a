with clock as (
    select
        market,
        title,
        is_simulated,
        {{ at_most_as_of("now_at") }} as now_at
    from {{ source("ops", "market") }}
),

final as (
    select
        market,
        title,
        is_simulated,
        now_at,
        -- The last day whose cut-off has passed: younger days have no print yet, whatever is already known of them.
        {{ utc_date("now_at - interval '1 day' - interval '" ~ var("cutoff_minutes") ~ " minutes'") }} as last_closed_date
    from clock
)

select * from final
