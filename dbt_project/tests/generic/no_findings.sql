{# Nothing is odd by this rule. Read by the operator on the checks page; the ledger keeps every case. #}
{% test no_findings(model) %}
    select *
    from {{ model }}
{% endtest %}
