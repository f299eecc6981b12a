{#
    The page's own total against its cells. A warning, read by the operator on the checks page: the vendor mistyping one
    total is no reason to withhold a publication, and the marts never use that total.
#}
{{ config(severity="warn", meta={"dagster": {"ref": {"name": "fct_etf_flow_totals"}}}) }}
select asset, session_date, sum(net_flow_usd) as flow_usd, max(session_total_usd) as stated_usd
from {{ ref("stg_farside__etf_flows") }}
group by asset, session_date
having count(*) = count(net_flow_usd) and abs(sum(net_flow_usd) - max(session_total_usd)) > 0.15e6
