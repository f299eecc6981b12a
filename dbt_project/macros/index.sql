{#
    Steps 1 to 4 of the method, once. The daily indices and the hourly nowcast call the same macros and differ in what
    they pass: `at` is the column that counts time (a date, or the number of an hour), `panel` is what shares ranks, and
    a variant of an index is a panel with its own decay and pillar weights. Each macro is one select statement.
#}

{#
    Step 1: each observation is ranked once, on the day it became usable, among the observations of its window, itself and
    those of the same day included. Nothing that arrives later changes the rank of a day.

    `readings` has value, is_zero_inflated and min_observations. Yields its columns, window_count, z and z_mid.
#}
{% macro index_ranks(readings, partition_by, order_by, frame) -%}
    select
        counted.*,
        case
            when window_count < min_observations then null
            when is_zero_inflated then cast(below_count as double) / window_count
            else (cast(below_count as double) + not_above_count) / 2 / window_count
        end as z,
        case
            when window_count >= min_observations then (cast(below_count as double) + not_above_count) / 2 / window_count
        end as z_mid
    from (
        select
            readings.*,
            count(*) over rank_window as window_count,
            {{ count_below("value", "rank_window") }} as below_count,
            {{ count_not_above("value", "rank_window") }} as not_above_count
        from {{ readings }} as readings
        window rank_window as (partition by {{ partition_by }} order by {{ order_by }} {{ frame }})
    ) as counted
{%- endmacro %}


{#
    The panel: for every moment since an input's first rank, its newest rank while that is young enough. A moment without
    an observation carries the rank, marked; beyond max_age the input is missing, which is not the same as calm.

    `observations`: panel, indicator, usable_<at>, observed_<at>, value, z, z_mid.
    `members`: panel, indicator, pillar, weight, max_age. `calendar`: <at>, without gaps.
#}
{% macro index_panel(observations, members, calendar, at) -%}
    with speaking as (
        -- Of several observations that become usable at one moment, the latest period speaks.
        select *
        from (
            select
                *,
                row_number() over (partition by panel, indicator, usable_{{ at }} order by observed_{{ at }} desc) as recency
            from {{ observations }}
        ) as ranked
        where recency = 1
    ),

    moments as (
        select
            calendar.{{ at }},
            members.panel,
            members.indicator,
            members.pillar,
            members.weight,
            members.max_age,
            max(speaking.usable_{{ at }}) over (
                partition by members.panel, members.indicator order by calendar.{{ at }}
                rows between unbounded preceding and current row
            ) as last_usable_{{ at }}
        from {{ calendar }} as calendar
        cross join {{ members }} as members
        left join speaking
            on
                members.panel = speaking.panel
                and members.indicator = speaking.indicator
                and calendar.{{ at }} = speaking.usable_{{ at }}
    ),

    aged as (
        select
            moments.{{ at }},
            moments.panel,
            moments.indicator,
            moments.pillar,
            moments.weight,
            speaking.value,
            speaking.z,
            speaking.z_mid,
            speaking.observed_{{ at }},
            moments.{{ at }} - moments.last_usable_{{ at }} as age,
            moments.{{ at }} > moments.last_usable_{{ at }} as is_carried,
            moments.{{ at }} - moments.last_usable_{{ at }} <= moments.max_age and speaking.z is not null as is_fresh
        from moments
        inner join speaking
            on
                moments.panel = speaking.panel
                and moments.indicator = speaking.indicator
                and moments.last_usable_{{ at }} = speaking.usable_{{ at }}
    ),

    entered as (
        select panel, indicator, min({{ at }}) as entered_{{ at }} from aged where is_fresh group by panel, indicator
    )

    select
        aged.{{ at }},
        aged.panel,
        aged.indicator,
        aged.pillar,
        aged.weight,
        case when aged.is_fresh then aged.value end as value,
        case when aged.is_fresh then aged.z end as z,
        case when aged.is_fresh then aged.z_mid end as z_mid,
        aged.observed_{{ at }},
        cast(aged.age as integer) as age,
        aged.is_carried,
        aged.is_fresh
    from aged
    inner join entered
        on aged.panel = entered.panel and aged.indicator = entered.indicator and aged.{{ at }} >= entered.entered_{{ at }}
{%- endmacro %}


{# Step 2: the mean of the fresh ranks, valid while at least half of the panel's weight is fresh. #}
{% macro index_scores(inputs, at, burn_in) -%}
    with scored as (
        select
            panel,
            {{ at }},
            pillar,
            {{ exact_sum("case when is_fresh then weight * z end") }}
            / {{ exact_sum("case when is_fresh then weight end") }} as score,
            {{ exact_sum("case when is_fresh then weight * z_mid end") }}
            / {{ exact_sum("case when is_fresh then weight end") }} as mid_score,
            coalesce({{ exact_sum("case when is_fresh then weight end") }}, 0)
            / {{ exact_sum("weight") }} as fresh_weight_ratio
        from {{ inputs }}
        group by panel, {{ at }}, pillar
    ),

    validated as (
        select
            *,
            score is not null and fresh_weight_ratio >= {{ var("pillar_fresh_share") }} - 1e-12 as is_valid
        from scored
    ),

    counted as (
        select
            *,
            sum(case when is_valid then 1 else 0 end) over (
                partition by panel, pillar order by {{ at }} rows between unbounded preceding and current row
            ) as valid_count
        from validated
    )

    select
        panel,
        {{ at }},
        pillar,
        score,
        mid_score,
        is_valid,
        is_valid and valid_count > {{ burn_in }} as is_usable,
        fresh_weight_ratio
    from counted
{%- endmacro %}


{#
    Step 3: exponentially weighted moments of the mid scores around one half, the median of a rank, one decay per valid
    moment of a pillar. Written in rescaled units the recursion is a running sum: with N_i the number of valid moments so
    far and l the decay,
        S_ij(t) = l^((N_i+N_j)/2) * [ S0_ij + (1-l) * sum over s<=t of l^(-(N_i(s)+N_j(s))/2) * y_i(s) * y_j(s) ].
    The exponents stay within a double for about 20,000 moments at 0.97 and 11,000 at 0.94.

    `pillars`: panel, pillar, position. `decays`: panel, ewma_decay; each pair is computed once, whoever uses it.
#}
{% macro index_correlations(scores, pillars, decays, calendar, at) -%}
    with moments_of_pillars as (
        select
            calendar.{{ at }},
            pillars.panel,
            pillars.pillar,
            pillars.position,
            case when coalesce(scores.is_valid, false) then scores.mid_score - 0.5 else 0.0 end as deviation,
            sum(case when coalesce(scores.is_valid, false) then 1 else 0 end) over (
                partition by pillars.panel, pillars.pillar order by calendar.{{ at }}
                rows between unbounded preceding and current row
            ) as valid_count
        from {{ calendar }} as calendar
        cross join {{ pillars }} as pillars
        left join {{ scores }} as scores
            on calendar.{{ at }} = scores.{{ at }} and pillars.panel = scores.panel and pillars.pillar = scores.pillar
    ),

    pairs as (
        select
            one.{{ at }},
            one.panel,
            decays.ewma_decay,
            one.pillar as pillar_i,
            two.pillar as pillar_j,
            (one.valid_count + two.valid_count) / 2.0 * ln(decays.ewma_decay) as log_shrink,
            (case when one.pillar = two.pillar then 1.0 else {{ var("prior_correlation") }} end) / 12.0 as prior,
            one.deviation * two.deviation as product
        from moments_of_pillars as one
        inner join moments_of_pillars as two
            on one.panel = two.panel and one.{{ at }} = two.{{ at }} and one.position <= two.position
        inner join {{ decays }} as decays on one.panel = decays.panel
    ),

    moments as (
        select
            {{ at }},
            panel,
            ewma_decay,
            pillar_i,
            pillar_j,
            exp(log_shrink) * (
                prior
                + (1 - ewma_decay) * sum(exp(-log_shrink) * product) over (
                    partition by panel, ewma_decay, pillar_i, pillar_j order by {{ at }}
                    rows between unbounded preceding and current row
                )
            ) as moment
        from pairs
    ),

    variances as (
        select {{ at }}, panel, ewma_decay, pillar_i as pillar, moment from moments where pillar_i = pillar_j
    ),

    upper_half as (
        select
            moments.{{ at }},
            moments.panel,
            moments.ewma_decay,
            moments.pillar_i,
            moments.pillar_j,
            case
                when moments.pillar_i = moments.pillar_j then 1.0
                else moments.moment / sqrt(variance_i.moment * variance_j.moment)
            end as rho
        from moments
        {%- for side in ["i", "j"] %}
        inner join variances as variance_{{ side }}
            on
                moments.panel = variance_{{ side }}.panel
                and moments.ewma_decay = variance_{{ side }}.ewma_decay
                and moments.{{ at }} = variance_{{ side }}.{{ at }}
                and moments.pillar_{{ side }} = variance_{{ side }}.pillar
        {%- endfor %}
    )

    select panel, ewma_decay, {{ at }}, pillar_i, pillar_j, rho from upper_half
    union all
    select panel, ewma_decay, {{ at }}, pillar_j as pillar_i, pillar_i as pillar_j, rho from upper_half
    where pillar_i <> pillar_j
{%- endmacro %}


{#
    Step 4, the part that index, contributions and changes share: the weight share x of each usable pillar and its
    marginal (Cx). Only moments with enough coverage to print are here.

    `weights`: variant, panel, ewma_decay, pillar, weight; the weights of a variant add up to one.
#}
{% macro index_exposures(scores, correlations, weights, at) -%}
    with weighted as (
        select
            weights.variant,
            weights.panel,
            weights.ewma_decay,
            scores.{{ at }},
            scores.pillar,
            scores.score,
            weights.weight
        from {{ scores }} as scores
        inner join {{ weights }} as weights on scores.panel = weights.panel and scores.pillar = weights.pillar
        where scores.is_usable
    ),

    coverages as (
        select
            variant,
            {{ at }},
            {{ exact_sum("weight") }} as coverage
        from weighted
        group by variant, {{ at }}
    ),

    exposures as (
        select
            weighted.*,
            coverages.coverage,
            weighted.weight * weighted.score / coverages.coverage as exposure
        from weighted
        inner join coverages on weighted.variant = coverages.variant and weighted.{{ at }} = coverages.{{ at }}
        where coverages.coverage >= 4.0 / 6.0 - 1e-12
    )

    select
        one.variant,
        one.{{ at }},
        one.pillar,
        one.score,
        one.weight,
        one.coverage,
        one.exposure,
        {{ exact_sum("correlations.rho * two.exposure") }} as marginal
    from exposures as one
    inner join exposures as two on one.variant = two.variant and one.{{ at }} = two.{{ at }}
    inner join {{ correlations }} as correlations
        on
            one.panel = correlations.panel
            and one.ewma_decay = correlations.ewma_decay
            and one.{{ at }} = correlations.{{ at }}
            and one.pillar = correlations.pillar_i
            and two.pillar = correlations.pillar_j
    group by one.variant, one.{{ at }}, one.pillar, one.score, one.weight, one.coverage, one.exposure
{%- endmacro %}


{# Step 4: Q = x'Cx and the print 100 * sqrt(Q). #}
{% macro index_prints(exposures, at) -%}
    select
        variant,
        {{ at }},
        100.0 * sqrt(q) as value,
        q,
        linear_bound,
        linear_bound - 100.0 * sqrt(q) as discount,
        coverage,
        case when coverage >= 5.0 / 6.0 - 1e-12 then 'official' else 'degraded' end as status,
        pillar_count
    from (
        select
            variant,
            {{ at }},
            greatest({{ exact_sum("exposure * marginal") }}, 0.0) as q,
            100.0 * {{ exact_sum("exposure") }} as linear_bound,
            {{ exact_sum("weight") }} as coverage,
            count(*) as pillar_count
        from {{ exposures }}
        group by variant, {{ at }}
    ) as totals
{%- endmacro %}
