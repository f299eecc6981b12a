{#
    Every claim of the two texts with its verdict. A claim that holds by one definition and fails by another depends on the
    definition; one whose data this market does not have is not measurable here. On the simulated market the figures
    show what the simulation was told, and the ledger says so.
#}
with claims as (
    select * from {{ ref("claims") }}
),

readings as (
    select * from {{ ref("int_claim_readings") }}
),

market as (
    select * from {{ ref("stg_ops__market") }}
),

counted as (
    select
        claim,
        count(*) as definition_count,
        count(value) as measured_count,
        sum(case when holds then 1 else 0 end) as holding_count,
        min(case when value is not null then reading_number end) as shown_number
    from readings
    group by claim
),

shown as (
    select
        counted.claim,
        readings.definition,
        readings.value,
        readings.unit,
        readings.query
    from counted
    inner join readings on counted.claim = readings.claim and counted.shown_number = readings.reading_number
),

final as (
    select
        claims.claim,
        claims.source,
        claims.statement,
        case
            when claims.kind = 'opinion' then 'opinion'
            when claims.kind = 'rule' then 'unproven'
            when claims.kind = 'not_measurable' or coalesce(counted.measured_count, 0) = 0 then 'not measurable here'
            when counted.holding_count = counted.measured_count then 'holds'
            when counted.holding_count = 0 then 'contradicted'
            else 'depends on definition'
        end as verdict,
        shown.definition,
        shown.value,
        shown.unit,
        cast(coalesce(counted.holding_count, 0) as integer) as holding_count,
        cast(coalesce(counted.measured_count, 0) as integer) as measured_count,
        cast(coalesce(counted.definition_count, 0) as integer) as definition_count,
        case
            when claims.kind = 'measured' and coalesce(counted.measured_count, 0) = 0
                then 'This market has no data for it'
                    || case when coalesce(counted.definition_count, 0) = 0 then ': no definition is measured yet' else '' end
            else claims.why
        end as why,
        shown.query,
        market.market,
        market.market = 'simulated' as is_simulated
    from claims
    cross join market
    left join counted on claims.claim = counted.claim
    left join shown on claims.claim = shown.claim
)

select * from final
