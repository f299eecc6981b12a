{#
    Everything that only DuckDB speaks, one dispatched macro each, so that the models are plain SQL and another engine
    needs this folder alone. Where standard SQL has an equivalent of the same result, the default holds it.
#}

{# Rows of dates from `first` to `last`, both included, in a column `date`. #}
{% macro date_rows(first, last) -%}
    {{ return(adapter.dispatch("date_rows", "undertow")(first, last)) }}
{%- endmacro %}

{% macro duckdb__date_rows(first, last) -%}
    select cast(unnest(generate_series({{ first }}, {{ last }}, interval '1 day')) as date) as date
{%- endmacro %}

{% macro spark__date_rows(first, last) -%}
    select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as date
{%- endmacro %}


{# Number of values in the frame that are not above the current row's value. #}
{% macro count_not_above(value, frame) -%}
    {{ return(adapter.dispatch("count_not_above", "undertow")(value, frame)) }}
{%- endmacro %}

{% macro duckdb__count_not_above(value, frame) -%}
    round(cume_dist(order by {{ value }}) over {{ frame }} * count(*) over {{ frame }})
{%- endmacro %}


{# Number of values in the frame that are below the current row's value. #}
{% macro count_below(value, frame) -%}
    {{ return(adapter.dispatch("count_below", "undertow")(value, frame)) }}
{%- endmacro %}

{% macro duckdb__count_below(value, frame) -%}
    (rank(order by {{ value }}) over {{ frame }} - 1)
{%- endmacro %}


{# Median of a column over a window frame. #}
{% macro median_over(value, frame) -%}
    {{ return(adapter.dispatch("median_over", "undertow")(value, frame)) }}
{%- endmacro %}

{% macro default__median_over(value, frame) -%}
    median({{ value }}) over {{ frame }}
{%- endmacro %}


{# Median of a column within a group. #}
{% macro median_of(value) -%}
    {{ return(adapter.dispatch("median_of", "undertow")(value)) }}
{%- endmacro %}

{% macro default__median_of(value) -%}
    median({{ value }})
{%- endmacro %}


{# The value of one column where another is largest within a group; rows without a value do not count. #}
{% macro value_at_max(value, by) -%}
    {{ return(adapter.dispatch("value_at_max", "undertow")(value, by)) }}
{%- endmacro %}

{% macro duckdb__value_at_max(value, by) -%}
    arg_max({{ value }}, {{ by }})
{%- endmacro %}

{% macro spark__value_at_max(value, by) -%}
    max_by({{ value }}, case when {{ value }} is not null then {{ by }} end)
{%- endmacro %}


{#
    Mean of a column within a group, added up in the order of another: the same rows then give the same mean to the last
    bit, in whatever order they lie.
#}
{% macro mean_in_order(value, by) -%}
    {{ return(adapter.dispatch("mean_in_order", "undertow")(value, by)) }}
{%- endmacro %}

{% macro duckdb__mean_in_order(value, by) -%}
    avg({{ value }} order by {{ by }})
{%- endmacro %}

{% macro default__mean_in_order(value, by) -%}
    avg({{ value }})
{%- endmacro %}


{# The non-null texts of a group as a sorted list, empty rather than null. #}
{% macro text_list(value, condition) -%}
    {{ return(adapter.dispatch("text_list", "undertow")(value, condition)) }}
{%- endmacro %}

{% macro duckdb__text_list(value, condition) -%}
    coalesce(list({{ value }} order by {{ value }}) filter (where {{ condition }}), cast([] as varchar[]))
{%- endmacro %}

{% macro spark__text_list(value, condition) -%}
    sort_array(collect_list({{ value }}) filter (where {{ condition }}))
{%- endmacro %}


{# An empty list of texts. #}
{% macro no_texts() -%}
    {{ return(adapter.dispatch("no_texts", "undertow")()) }}
{%- endmacro %}

{% macro duckdb__no_texts() -%}
    cast([] as varchar[])
{%- endmacro %}

{% macro spark__no_texts() -%}
    cast(array() as array<string>)
{%- endmacro %}


{# The instant, in UTC, of a wall-clock time on a date in New York, daylight saving observed. #}
{% macro new_york_instant(day, wall_time) -%}
    {{ return(adapter.dispatch("new_york_instant", "undertow")(day, wall_time)) }}
{%- endmacro %}

{% macro duckdb__new_york_instant(day, wall_time) -%}
    ({{ day }} + time '{{ wall_time }}') at time zone 'America/New_York'
{%- endmacro %}

{% macro spark__new_york_instant(day, wall_time) -%}
    to_utc_timestamp(concat({{ day }}, ' {{ wall_time }}'), 'America/New_York')
{%- endmacro %}


{# Day of the week of a date, Monday 1 to Sunday 7. #}
{% macro iso_weekday(day) -%}
    {{ return(adapter.dispatch("iso_weekday", "undertow")(day)) }}
{%- endmacro %}

{% macro default__iso_weekday(day) -%}
    extract(isodow from {{ day }})
{%- endmacro %}

{% macro spark__iso_weekday(day) -%}
    extract(dayofweek_iso from {{ day }})
{%- endmacro %}


{# Hours from one instant to a later one, as a fraction. #}
{% macro hours_between(earlier, later) -%}
    {{ return(adapter.dispatch("hours_between", "undertow")(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__hours_between(earlier, later) -%}
    (epoch({{ later }}) - epoch({{ earlier }})) / 3600.0
{%- endmacro %}

{% macro spark__hours_between(earlier, later) -%}
    (unix_timestamp({{ later }}) - unix_timestamp({{ earlier }})) / 3600.0
{%- endmacro %}


{# Order in which rows of a raw table came: it decides between vintages of one instant, where a clock stands still. #}
{% macro arrival() -%}
    {{ return(adapter.dispatch("arrival", "undertow")()) }}
{%- endmacro %}

{% macro duckdb__arrival() -%}
    rowid
{%- endmacro %}

{% macro default__arrival() -%}
    _available_at
{%- endmacro %}


{# Correlation of two columns within a group; null where one of them does not move. #}
{% macro correlation(a, b) -%}
    {{ return(adapter.dispatch("correlation", "undertow")(a, b)) }}
{%- endmacro %}

{% macro default__correlation(a, b) -%}
    case when not isnan(corr({{ a }}, {{ b }})) then corr({{ a }}, {{ b }}) end
{%- endmacro %}


{# The value of one column where another is smallest within a group; rows without a value do not count. #}
{% macro value_at_min(value, by) -%}
    {{ return(adapter.dispatch("value_at_min", "undertow")(value, by)) }}
{%- endmacro %}

{% macro duckdb__value_at_min(value, by) -%}
    arg_min({{ value }}, {{ by }})
{%- endmacro %}

{% macro spark__value_at_min(value, by) -%}
    min_by({{ value }}, case when {{ value }} is not null then {{ by }} end)
{%- endmacro %}


{# A list of texts as one text, with commas. #}
{% macro joined_texts(texts) -%}
    {{ return(adapter.dispatch("joined_texts", "undertow")(texts)) }}
{%- endmacro %}

{% macro duckdb__joined_texts(texts) -%}
    array_to_string({{ texts }}, ', ')
{%- endmacro %}

{% macro spark__joined_texts(texts) -%}
    array_join({{ texts }}, ', ')
{%- endmacro %}
