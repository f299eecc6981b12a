with market as (
    select * from {{ ref("stg_ops__market") }}
),

final as (
    select
        market,
        title,
        is_simulated,
        now_at,
        last_closed_date,
        '{{ var("method_version") }}' as method_version,
        {{ as_of_instant() }} as as_of_at
    from market
)

select * from final
