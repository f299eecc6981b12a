{#
    Why one first print differs from the one of the day before, in terms that add up to the difference. Level, correlation
    and composition are those of the run that printed the day: they lead from the day before as that run computed it.
    `restatement` leads from the day before as it was printed to the day before as that run computed it: what had been
    restated, arrived late or been computed differently by then. If that run could not compute the day before, all of the
    difference is restatement.
#}
with prints as (
    select * from {{ ref("stress_index_prints") }}
),

terms as (
    select * from {{ ref("int_print_terms") }}
),

consecutive as (
    select
        today.date,
        today.previous_cmsi is not null as is_chained,
        coalesce(today.previous_cmsi, today.cmsi) - yesterday.cmsi as restatement
    from prints as today
    inner join prints as yesterday on yesterday.date = {{ days_before("today.date", 1) }}
),

final as (
    select
        terms.date,
        terms.term,
        terms.pillar_i,
        terms.pillar_j,
        terms.points
    from terms
    inner join consecutive on terms.date = consecutive.date
    where consecutive.is_chained
    union all
    select
        date,
        'restatement' as term,
        '' as pillar_i,
        '' as pillar_j,
        restatement as points
    from consecutive
    where not is_chained or restatement <> 0
)

select * from final
