"""A market: where answers come from, and what time it is there.

`live` asks the providers; `simulated` asks the embedded simulation; `recorded:DIR` replays responses kept in a folder.
Each has its own clock, so that "stale", "yesterday" and "due" mean something in all three.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sources.http import Transport
from sources.recorder.spool import SPOOL_ORIGIN, SpoolTransport


class UnknownMarket(ValueError):
    """The market's name is not one we know."""


@dataclass(frozen=True)
class Market:
    """Where a warehouse's data comes from.

    Args:
        name: `live`, `simulated` or `recorded`; also the name of the market's data home.
        title: what is said of it wherever its numbers are shown.
        is_simulated: whether the numbers are made up.
        now: the market's clock.
        connect: opens a line to the market's providers.
        needs_keys: whether its providers want their keys.
        answers: names of the providers that answer in it; None if all do.
        begins: first instant that a provider can be asked for; nothing where the descriptor alone says it.
    """

    name: str
    title: str
    is_simulated: bool
    now: Callable[[], datetime]
    connect: Callable[[], Transport]
    needs_keys: bool = True
    answers: frozenset[str] | None = None
    begins: Callable[[str], datetime | None] = lambda _: None

    def has(self, provider: str) -> bool:
        """Whether a provider answers in this market at all."""
        return self.answers is None or provider in self.answers


def open_market(
    spec: str, *, now: datetime | None = None, faults: Sequence[str] = (), spool: Path | None = None
) -> Market:
    """The market that `spec` names.

    Args:
        spec: `live`, `simulated` or `recorded:DIR`.
        now: the present instant of a simulated or recorded market; its end if not given. Ignored for `live`.
        faults: faults of the simulated market that are switched on, see `sources.simulator.faults`.
        spool: folder of what our recorder heard of the live market. The simulated one tells that itself.

    Raises:
        UnknownMarket: if `spec` is none of these or the folder holds no recording.
    """
    kind, _, argument = spec.partition(":")
    if kind == "live" and not argument:
        return Market(
            "live",
            "live market data",
            False,
            _wall_clock,
            lambda: Transport(now=_wall_clock, mounts={SPOOL_ORIGIN: SpoolTransport(spool)}),
        )
    if kind == "simulated" and not argument:
        return _simulated(now, faults)
    if kind == "recorded" and argument:
        return _recorded(Path(argument).expanduser(), now)
    raise UnknownMarket(f"unknown market {spec!r}: use live, simulated or recorded:DIR")


def _wall_clock() -> datetime:
    return datetime.now(UTC)


def _simulated(now: datetime | None, faults: Sequence[str]) -> Market:
    from sources.simulator.answers import PROVIDERS
    from sources.simulator.market import END_OF_MARKET, history_of
    from sources.simulator.transport import SimulatedTransport

    moment = now or END_OF_MARKET

    def connect() -> Transport:
        answering = SimulatedTransport(now=moment, faults=faults)
        return Transport(now=lambda: moment, transport=answering, paced=False, retry_wait=0.01, needs_keys=False)

    title = "SIMULATED market, not real data"
    return Market(
        "simulated",
        title,
        True,
        lambda: moment,
        connect,
        needs_keys=False,
        answers=PROVIDERS,
        begins=history_of,
    )


def _recorded(folder: Path, now: datetime | None) -> Market:
    from sources.recorded import RecordedTransport, Recording

    recording = Recording.open(folder)
    moment = now or recording.ends_at

    def connect() -> Transport:
        return Transport(
            now=lambda: moment,
            transport=RecordedTransport(recording, now=moment),
            paced=False,
            retry_wait=0.01,
            needs_keys=False,
            mounts={SPOOL_ORIGIN: SpoolTransport(None)},
        )

    title = f"recorded responses from {folder.name}"
    return Market("recorded", title, False, lambda: moment, connect, needs_keys=False)
