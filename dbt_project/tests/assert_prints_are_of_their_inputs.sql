{{ config(meta={"dagster": {"ref": {"name": "stress_print_indicators"}}}, tags=["structural"]) }}
-- The inputs that stand beside each first print have the hash that was printed, and their points are the print.
with inputs as (
    select
        date,
        {{ rows_hash(input_text()) }} as input_hash,
        sum(points) as points
    from {{ ref("stress_print_indicators") }}
    group by date
)

select prints.date, prints.input_hash, inputs.input_hash as found_hash, prints.cmsi, inputs.points
from {{ ref("stress_index_prints") }} as prints
left join inputs on prints.date = inputs.date
where
    inputs.input_hash is null
    or inputs.input_hash <> prints.input_hash
    or abs(prints.cmsi - inputs.points) > 1e-9
