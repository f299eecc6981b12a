{# What another choice of the method would have printed: decay, rank window, weights, one pillar less; beside the headline. #}
with variants as (
    select * from {{ ref("index_variants") }}
),

prints as (
    select * from {{ ref("int_index_prints") }}
),

headlines as (
    select
        variants.index_name,
        prints.date,
        prints.value
    from prints
    inner join variants on prints.variant = variants.variant
    where variants.is_headline
),

final as (
    select
        prints.date,
        prints.variant,
        variants.index_name,
        prints.value,
        headlines.value as headline_value,
        prints.value - headlines.value as difference,
        prints.linear_bound,
        prints.coverage,
        prints.status
    from prints
    inner join variants on prints.variant = variants.variant
    left join headlines on variants.index_name = headlines.index_name and prints.date = headlines.date
    where not variants.is_headline
)

select * from final
