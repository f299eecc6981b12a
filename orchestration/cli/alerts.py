"""`undertow alerts`: what is open, and who is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from orchestration.alerting import AlertSettings, deliver, rehearse
from orchestration.cli import console, reading
from orchestration.cli.mistakes import FAILED, Mistake

if TYPE_CHECKING:
    from orchestration.settings import Settings

_STYLES = {"critical": "bold red", "warning": "yellow"}


def tell(settings: Settings, *, dry: bool, test: bool, as_json: bool) -> int:
    """Show the open alerts and deliver the new ones; return the exit code.

    Args:
        settings: whose published file.
        dry: send nothing.
        test: send a test message instead.
        as_json: for programs instead of people.

    Raises:
        BadSettings: a sink is configured badly.
        Failure: nothing is published yet.
        Mistake: a test is asked for and there is no sink.
    """
    alert_settings = AlertSettings.load()
    out = console.stdout()
    with reading.open_published(settings) as connection:
        about = reading.about(connection)
        open_alerts = reading.rows(
            connection, "from marts.fct_alerts where is_open order by severity, opened_on desc, alert_key"
        )
    if test:
        if not alert_settings.sinks():
            raise Mistake("no sink is configured; see `undertow alerts --help`")
        problems = rehearse(alert_settings, about["market"], about["is_simulated"], about["now_at"].date())
        for problem in problems:
            out.print(Text.assemble(("not delivered ", "red"), console.plain(problem)))
        if not problems:
            out.print("every sink has taken the test message")
        return FAILED if problems else 0
    delivery = deliver(settings, alert_settings, now=about["now_at"], dry=dry)
    if as_json:
        console.print_json(
            {
                "market": about["market"],
                "is_simulated": about["is_simulated"],
                "open": open_alerts,
                "sinks": delivery.sink_names,
                "sent": [{"sink": sink, **alert.as_json()} for alert, sink in delivery.sent],
                "waiting": delivery.waiting,
                "problems": delivery.problems,
            }
        )
        return FAILED if delivery.problems else 0
    if about["is_simulated"]:
        out.print(console.text(about["title"], "bold magenta"))
    if not open_alerts:
        out.print("no alert is open")
    for row in open_alerts:
        out.print(
            Text.assemble(
                (f"{row['severity']:<9}", _STYLES.get(row["severity"], "")),
                f"{row['title']} ({row['subject']}) since {row['opened_on']}: ",
                (console.plain(row["latest_evidence"]), "dim"),
            )
        )
    verb = "would be sent" if dry else "sent"
    for alert, sink in delivery.sent:
        out.print(Text.assemble((f"{verb} to {sink}: ", "green"), console.plain(alert.headline)))
    for problem in delivery.problems:
        out.print(Text.assemble(("not delivered ", "red"), console.plain(problem)))
    if not delivery.sink_names:
        out.print("No sink is configured, so nobody is told; see `undertow alerts --help`.")
    elif not delivery.sent and not delivery.problems:
        out.print(f"nothing new for {', '.join(delivery.sink_names)}")
    return FAILED if delivery.problems else 0
