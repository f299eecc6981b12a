{#
    The ledger of first prints. A day is printed once, by the first build that can, and what stands in the journal stays as
    it is whatever is computed later. A print made while its day was the newest closed one is `live`; any other was
    computed afterwards, from history that may since have been revised, and is `reconstructed`.
#}
with printed as (
    select * from {{ ref("stg_ops__prints") }}
),

new_days as (
    select * from {{ ref("int_new_print_days") }}
),

index_days as (
    select * from {{ ref("stress_index_daily") }}
),

inputs as (
    select * from {{ ref("stress_print_indicators") }}
),

builds as (
    select * from {{ ref("stg_ops__builds") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

hashes as (
    select
        inputs.date,
        {{ rows_hash(input_text()) }} as input_hash,
        count(*) as input_count
    from inputs
    inner join new_days on inputs.date = new_days.date
    group by inputs.date
),

-- Whoever runs dbt by hand leaves no note of a build: the clock of the market then stands for its beginning.
build as (
    select
        builds.run_id,
        builds.code_version,
        coalesce(builds.started_at, market.now_at) as printed_at
    from market
    left join builds on true
),

new_prints as (
    select
        index_days.date,
        index_days.market,
        index_days.cmsi,
        index_days.percentile,
        index_days.q,
        index_days.linear_bound,
        index_days.mean_correlation,
        index_days.coverage,
        index_days.status,
        index_days.regime,
        yesterday.cmsi as previous_cmsi,
        {{ cutoff("index_days.date") }} as cutoff_at,
        build.printed_at,
        hashes.input_hash,
        hashes.input_count,
        index_days.method_version,
        build.code_version,
        build.run_id
    from index_days
    inner join new_days on index_days.date = new_days.date
    cross join build
    left join index_days as yesterday on yesterday.date = {{ days_before("index_days.date", 1) }}
    left join hashes on index_days.date = hashes.date
),

final as (
    select
        date,
        market,
        cmsi,
        percentile,
        q,
        linear_bound,
        mean_correlation,
        coverage,
        status,
        regime,
        previous_cmsi,
        basis,
        cutoff_at,
        printed_at,
        input_hash,
        input_count,
        method_version,
        code_version,
        run_id
    from printed
    union all
    select
        date,
        market,
        cmsi,
        percentile,
        q,
        linear_bound,
        mean_correlation,
        coverage,
        status,
        regime,
        previous_cmsi,
        case
            when printed_at < cutoff_at + interval '{{ var("print_live_hours") }} hours' then 'live'
            else 'reconstructed'
        end as basis,
        cutoff_at,
        printed_at,
        input_hash,
        input_count,
        method_version,
        code_version,
        run_id
    from new_prints
)

select * from final
