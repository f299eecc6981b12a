{#
    The Corwin-Schultz (2012) bid-ask spread from the highs and lows of two consecutive periods, negative estimates set to
    zero, as a ratio.
        beta  = ln(H1/L1)^2 + ln(H2/L2)^2        gamma = ln(max(H1,H2)/min(L1,L2))^2
        alpha = (sqrt(2 beta) - sqrt(beta)) / (3 - 2 sqrt 2) - sqrt(gamma / (3 - 2 sqrt 2))
        S     = 2 (e^alpha - 1) / (1 + e^alpha)
#}
{% macro corwin_schultz_ratio(high, low, previous_high, previous_low) -%}
    {%- set beta = "(power(ln(" ~ high ~ " / " ~ low ~ "), 2) + power(ln(" ~ previous_high ~ " / " ~ previous_low ~ "), 2))" -%}
    {%- set gamma = "power(ln(greatest(" ~ high ~ ", " ~ previous_high ~ ") / least(" ~ low ~ ", " ~ previous_low ~ ")), 2)" -%}
    {%- set alpha = "((sqrt(2 * " ~ beta ~ ") - sqrt(" ~ beta ~ ")) / (3 - 2 * sqrt(2)) - sqrt(" ~ gamma ~ " / (3 - 2 * sqrt(2))))" -%}
    greatest(0.0, 2 * (exp({{ alpha }}) - 1) / (1 + exp({{ alpha }})))
{%- endmacro %}
