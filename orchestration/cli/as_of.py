"""Looking back: `undertow as-of`, and `--as-of` of the commands that read."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from orchestration.cli import console
from orchestration.cli.mistakes import Mistake
from orchestration.publishing.published import Published

if TYPE_CHECKING:
    from orchestration.settings import Settings


def parse_instant(text: str) -> datetime:
    """An instant as people write it, UTC unless it says otherwise. A day alone stands for its cut-off.

    Raises:
        Mistake: it is none.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        pass
    else:
        from orchestration.as_of import cutoff_of

        return cutoff_of(day)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Mistake(f"{text!r} is no instant; write it as 2025-11-04, or '2025-11-04 00:30'") from None
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def published_as_of(settings: Settings, text: str | None) -> Published:
    """The published folder, or the one that looks back to an instant; computing that takes some seconds.

    Raises:
        Mistake: the text is no instant.
        NotYet, NotBuilt, WarehouseBusy, CannotPublish: see `publish_as_of`.
    """
    if text is None:
        return Published(settings.published_path)
    instant = parse_instant(text)
    # What computes needs dbt's libraries; reading what is published does not.
    from orchestration.as_of import publish_as_of

    with console.stderr().status(f"the marts as of {console.instant(instant)}"):
        return publish_as_of(settings, instant)


def show(settings: Settings, text: str) -> None:
    """Make the database of an instant and write where it is.

    Raises:
        Mistake, NotYet, NotBuilt, WarehouseBusy, CannotPublish: see `published_as_of`.
    """
    print(published_as_of(settings, text).database)
