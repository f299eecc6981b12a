{#
    Companion of F9 with a longer history: net position of non-commercial traders in the standard CME contracts (5
    Bitcoin, 50 Ether), in coins. Dated by the report, usable from its release. Micro contracts are left out: they enter
    and leave the report with the number of traders, and a sum that gains or loses them would move for the wrong reason.
#}
with reports as (
    select * from {{ ref("stg_cftc__legacy_futures") }}
    where contract_code in ('133741', '146021')
),

final as (
    select
        report_date as observed_date,
        asset as scope,
        (noncommercial_long_contracts - noncommercial_short_contracts)
        * case contract_code when '133741' then 5 else 50 end as value,
        available_at
    from reports
)

select * from final
