{#
    Days of a large raw table whose number of vintages differs from what an incremental model has consumed.

    Raw tables only ever grow, so an equal count means an unchanged day: late, restated and backfilled days are all
    found, without trusting a clock. `days` has columns symbol, date, vintage_count.
#}
{% macro touched_days(days) -%}
    select days.symbol, days.date, days.vintage_count
    from {{ days }} as days
    {%- if is_incremental() %}
    left join (
        select symbol, date, max(consumed_vintage_count) as consumed_vintage_count from {{ this }} group by symbol, date
    ) as consumed
        on days.symbol = consumed.symbol and days.date = consumed.date
    where consumed.consumed_vintage_count is distinct from days.vintage_count
    {%- endif %}
{%- endmacro %}

{#
    Literal bounds on `instant` around the touched days. A join alone would be correct; literals let the engine skip
    everything outside before it looks for newest vintages.
#}
{% macro within_touched_days(days, instant) -%}
    {%- if is_incremental() and execute -%}
        {%- set bounds = run_query("select min(date), max(date) from (" ~ touched_days(days) ~ ") as touched").rows[0] -%}
        {%- if bounds[0] is none -%}
    false
        {%- else -%}
    {{ instant }} >= timestamp with time zone '{{ bounds[0] }} 00:00:00+00'
        and {{ instant }} <= timestamp with time zone '{{ bounds[1] }} 00:00:00+00' + interval '1 day'
        {%- endif -%}
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}
