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

    Attributes:
        others: further failures of the same fetch, which went on after this first one.
    """

    def __init__(self, problem: str, *, remedy: str = "", where: str = "", body: Body | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
        self.where = where
        self.body = body
        self.others: tuple[SourceError, ...] = ()

    def __str__(self) -> str:
        head = f"{self.where}: {self.problem}" if self.where else self.problem
        return f"{head} ({self.remedy})" if self.remedy else head


class Unreachable(SourceError):
    """No usable answer after all retries: network down, server errors, broken transfers."""


class NotRecorded(Unreachable):
    """A recorded market holds no answer to this request; asking again cannot help."""


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


class Failures:
    """Failures of a fetch that goes on with its other series or files, to be raised when the rest is safe.

    Args:
        give_up_after: how many series or files in a row may find the provider dead before the rest is not asked.
    """

    def __init__(self, give_up_after: int = 3) -> None:
        self._errors: list[SourceError] = []
        self._give_up_after = give_up_after
        self._dead_in_a_row = 0
        self._is_hopeless = False

    def add(self, label: str, error: SourceError) -> None:
        """Keep a failure of the series or file `label`."""
        error.problem = f"{label}: {error.problem}"
        self._errors.append(error)
        is_dead = isinstance(error, (Unreachable, Blocked)) and not isinstance(error, NotRecorded)
        self._dead_in_a_row = self._dead_in_a_row + 1 if is_dead else 0
        if isinstance(error, RateLimited) or self._dead_in_a_row >= self._give_up_after:
            self._is_hopeless = True

    def succeed(self) -> None:
        """Note that a series or file came through: the provider is alive."""
        self._dead_in_a_row = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether asking on would only spend patience: an allowance is used up, or nothing answers any more."""
        return self._is_hopeless

    def check(self, *, is_cut_short: bool = False) -> None:
        """Raise what was kept.

        Args:
            is_cut_short: whether there were series or files that were not asked for any more.

        Raises:
            SourceError: the first failure; it names the others and carries them in `others`.
        """
        if not self._errors:
            return
        # What a recording does not hold says nothing about the provider, so it never stands for the others.
        first, *others = sorted(self._errors, key=lambda error: isinstance(error, NotRecorded))
        if is_cut_short:
            first.problem += "; the rest was not asked any more"
        if others:
            named = "; ".join(error.problem for error in others[:5])
            more = f"; and {len(others) - 5} more" if len(others) > 5 else ""
            first.problem += f"; also failed: {named}{more}"
            first.others = tuple(others)
        raise first
