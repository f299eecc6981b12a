"""The few ways in which taking data from a provider can fail.

Each error names the provider, the dataset, the window and what to do, because the person who reads it was probably
asleep. An error may carry the response that caused it, so that the evidence is archived like any other body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sources.dataset import Body


class SourceError(Exception):
    """Base of all failures of a source.

    Args:
        problem: what happened, in one line, without secrets.
        remedy: what the reader can do about it.
        where: `provider.dataset window` as filled in by the client or the landing.
        body: the offending response, if there was one.
    """

    def __init__(self, problem: str, *, remedy: str = "", where: str = "", body: Body | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.where = where
        self.body = body

    def __str__(self) -> str:
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{head} ({self.remedy})" if self.remedy else head


class Unreachable(SourceError):
    """No usable answer after all retries: network down, server errors, broken transfers."""


class RateLimited(SourceError):
    """The provider asks for a pause longer than a run should wait."""

    def __init__(self, problem: str, *, retry_after: float | None = None, **context: object) -> None:
        super().__init__(problem, **context)  # type: ignore[arg-type]
        self.retry_after = retry_after


class Blocked(SourceError):
    """The provider refuses this client or this place: 403, 451, a challenge page."""


class Rejected(SourceError):
    """The provider says the request is wrong: bad key, bad parameter, unknown series."""


class Malformed(SourceError):
    """The body is not what the descriptor declares: does not parse, misses a column, has another type."""


class Incomplete(SourceError):
    """The window is not published yet; asking again later is the whole remedy."""
