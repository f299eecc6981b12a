with observations as (
    select * from {{ ref("int_macro_sessions") }}
),

series as (
    select * from {{ ref("macro_series") }}
),

final as (
    select
        observations.date,
        observations.series_id,
        series.title,
        series.unit,
        observations.value,
        observations.value - lag(observations.value, 5) over (
            partition by observations.series_id order by observations.observation_number
        ) as change_5_observations,
        observations.available_at
    from observations
    left join series on observations.series_id = series.series_id
)

select * from final
