"""Faults of the simulated providers that can be switched on, one string each.

    rate_limited:PROVIDER           429 with Retry-After 0 for the first two requests, then fine
    rate_limited:PROVIDER:always    429 with Retry-After 3600 for every request
    blocked:PROVIDER                refuses the place: 451 with the provider's JSON at Binance's REST API, 403 elsewhere
    challenge:PROVIDER              403 with a browser challenge page
    truncated:PROVIDER              a complete HTTP answer that holds only the first half of the body
    broken_off:PROVIDER             the connection ends in the middle of the body
    dead:PROVIDER                   nobody answers
    garbage:PROVIDER                status 200 with bytes that are no text and no archive
    empty:PROVIDER                  status 200 with an empty body
    restated:PROVIDER:DAY           the figures of that UTC day (session, observation) are others than before
    missing_day:PROVIDER:DAY        that day is not in any answer; an archive file of that day does not exist
    new_column:PROVIDER             every row has one more field, `new_field`
    checksum:binance_vision:DAY     the published checksum of that day's files is wrong

PROVIDER is a provider's name as in the registry, DAY is written YYYY-MM-DD.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

WIRE_KINDS = ("rate_limited", "blocked", "challenge", "truncated", "broken_off", "dead", "garbage", "empty")
"""Faults of the way: they replace or damage a finished answer."""

DATED_KINDS = ("restated", "missing_day", "checksum")
KINDS = (*WIRE_KINDS, *DATED_KINDS, "new_column")

RESTATEMENT = 1.013
"""A restated figure is the first one times this."""


class UnknownFault(ValueError):
    """The string names no fault of the simulated market."""


def _providers() -> frozenset[str]:
    # The answers read faults, so they are looked up late.
    from sources.simulator.answers import PROVIDERS

    return PROVIDERS


@dataclass(frozen=True)
class Fault:
    """One fault: its kind, whose it is, and the day or option it is about."""

    kind: str
    provider: str
    day: date | None = None
    is_permanent: bool = False

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault from its string.

        Raises:
            UnknownFault: if it is not written as in the list at the top of this module.
        """
        kind, _, rest = text.partition(":")
        provider, _, option = rest.partition(":")
        if kind not in KINDS:
            raise UnknownFault(f"unknown fault {text!r}: the kind is one of {', '.join(KINDS)}")
        if provider not in (known := _providers()):
            raise UnknownFault(f"fault {text!r}: the provider is one of {', '.join(sorted(known))}")
        if kind == "checksum" and provider != "binance_vision":
            raise UnknownFault(f"fault {text!r}: only binance_vision publishes checksums")
        if kind in DATED_KINDS:
            try:
                return cls(kind, provider, date.fromisoformat(option))
            except ValueError:
                raise UnknownFault(f"fault {text!r}: write {kind}:{provider}:YYYY-MM-DD") from None
        if kind == "rate_limited" and option == "always":
            return cls(kind, provider, is_permanent=True)
        if option:
            raise UnknownFault(f"fault {text!r}: {kind} takes no {option!r}")
        return cls(kind, provider)


@dataclass(frozen=True)
class Faults:
    """All faults that are switched on."""

    active: frozenset[Fault] = field(default_factory=frozenset)

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Faults:
        """Read faults from their strings.

        Raises:
            UnknownFault: for the first one that is not known.
        """
        return cls(frozenset(Fault.parse(text) for text in texts))

    def on_the_way(self, provider: str) -> list[Fault]:
        """Faults of the wire for this provider, in the order of `WIRE_KINDS`."""
        found = [fault for fault in self.active if fault.provider == provider and fault.kind in WIRE_KINDS]
        return sorted(found, key=lambda fault: WIRE_KINDS.index(fault.kind))

    def restatement(self, provider: str, day: date) -> float:
        """What the figures of a day are multiplied by; 1 unless restated."""
        return RESTATEMENT if Fault("restated", provider, day) in self.active else 1.0

    def is_missing(self, provider: str, day: date) -> bool:
        return Fault("missing_day", provider, day) in self.active

    def has_new_column(self, provider: str) -> bool:
        return Fault("new_column", provider) in self.active

    def has_wrong_checksum(self, day: date) -> bool:
        return Fault("checksum", "binance_vision", day) in self.active
