"""The commands and their help."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.interrupts import ending_at_once
from orchestration.cli.mistakes import (
    INTERRUPTED,
    MISUSED,
    Mistake,
    exit_code_of,
    line_of,
    parse_day,
    parse_days,
    report_bugs,
    say,
)

if TYPE_CHECKING:
    from orchestration.settings import Settings

app = typer.Typer(
    name="undertow",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""[bold]A first walk[/]

  undertow demo

  undertow --market simulated why 2025-11-04

  undertow --market simulated sql "from index_between('2025-10-01', '2025-10-31')"

[bold]Every day[/]

  undertow refresh && undertow status

Exit codes: 0 fine, 1 something failed, 2 used wrongly.""",
)


@dataclass
class Chosen:
    """Global options given before the command; the same options after it win."""

    market: str | None = None
    home: Path | None = None


# The environment is read by `Settings`, so that an option on either side of the command wins over it.
Market = Annotated[
    str | None,
    typer.Option(
        "--market",
        help="live, simulated or recorded:DIR; each has its own data home. [dim]\\[UNDERTOW_MARKET, else live][/]",
        show_default=False,
    ),
]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of all data homes. [dim]\\[UNDERTOW_HOME][/]", show_default=False),
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        metavar="INSTANT",
        help="Look back: what was known at an instant (UTC), or at the cut-off of a day.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; turn whatever can be expected to go wrong into one line and an exit code."""
    report_bugs(_bug_folder)
    try:
        with _OneLine() as outcome:
            # Calling `app` itself would put Typer's own hook for unexpected errors in the place of ours.
            result = typer.main.get_command(app).main(arguments, prog_name="undertow", standalone_mode=False)
            outcome.code = result if isinstance(result, int) else 0
        if outcome.code == INTERRUPTED:
            say("interrupted")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has seen enough, like `head`; Python must not complain about it on its way out.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return outcome.code


class _OneLine:
    """Catches expected errors, says them in one line and keeps their exit code."""

    code: int = 0

    def __enter__(self) -> _OneLine:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if error is None or (isinstance(error, OSError) and error.errno == errno.EPIPE):
            return False
        code = exit_code_of(error)
        if code is None:
            return False
        self.code = code
        hint = "; see `undertow --help`" if isinstance(error, typer.TyperException) and code == MISUSED else ""
        say(line_of(error).rstrip(".") + hint)
        return True


def _bug_folder() -> Path:
    from orchestration.settings import Settings

    return Settings.load().home / "tracebacks"


def _settings(context: typer.Context, market: str | None, home: Path | None) -> Settings:
    from orchestration.settings import Settings

    chosen: Chosen = context.obj
    return Settings.load(market=market or chosen.market, home=home or chosen.home)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        try:
            print(f"undertow {version('undertow')}")
        except PackageNotFoundError:
            print("undertow, not installed")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def undertow(
    context: typer.Context,
    market: Market = None,
    home: Home = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """A market-stress warehouse for crypto: keyless, point-in-time, with an index whose every point is explained.

    [bold]undertow demo[/] shows everything on a simulated market, offline, in a few minutes.
    """
    context.obj = Chosen(market, home)
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(context: typer.Context, home: Home = None) -> None:
    """Build the [bold]simulated[/] market's warehouse and explain its newest print. No network, no keys.

    The first time it lands about five years of made-up history; again, it only looks for what is new.
    """
    settings = _settings(context, "simulated", home)
    with ending_at_once():
        from orchestration.cli import refresh as command

        raise typer.Exit(command.demo(settings))


@app.command()
def refresh(
    context: typer.Context,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="Ask again for everything from this day on.", show_default=False),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="DATASET", help="Only this dataset or provider; repeatable.", show_default=False
        ),
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Ask also for what is not due yet.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Build and publish even if nothing is new.")] = False,
    market: Market = None,
    home: Home = None,
) -> None:
    """Fetch what is due, land it, rebuild the marts, check them, and publish.

    A dataset is due when its cron has fired since it last came completely; `--only`, `--since`, `--again` ask anyway.

    A provider that fails costs its own rows only: the summary says what is missing and what the index did without it.

    [bold]Examples[/]

      undertow refresh

      undertow refresh --only farside --only fred.daily_series

      undertow refresh --since 2025-11-01 --only coinmetrics.asset_metrics

      undertow refresh --market recorded:../responses
    """
    first = parse_day(since) if since else None
    settings = _settings(context, market, home)
    with ending_at_once():
        from orchestration.cli import refresh as command

        raise typer.Exit(command.refresh(settings, since=first, only=only or (), again=again, force=force))


@app.command()
def backfill(
    context: typer.Context,
    dataset: Annotated[str, typer.Argument(help="Such as coinmetrics.asset_metrics; `undertow sources` lists them.")],
    span: Annotated[str, typer.Argument(metavar="FIRST..LAST", help="Days, both included.")],
    market: Market = None,
    home: Home = None,
) -> None:
    """Ask for a span of days of one dataset again, then rebuild and publish.

    Values that the provider has restated since are kept beside the first ones.

    [bold]Example[/]

      undertow backfill binance_vision.um_metrics 2025-10-01..2025-10-31
    """
    first, last = parse_days(span)
    settings = _settings(context, market, home)
    with ending_at_once():
        from orchestration.cli import refresh as command

        raise typer.Exit(command.backfill(settings, dataset, first, last))


@app.command()
def record(
    context: typer.Context,
    venue: Annotated[
        list[str] | None,
        typer.Option("--venue", metavar="VENUE", help="Only this venue; repeatable.", show_default=False),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="End after this long, such as 90s, 10m or 8h.", show_default=False),
    ] = None,
    market: Market = None,
    home: Home = None,
) -> None:
    """Listen to liquidation feeds and order books, which have no history, until Ctrl-C or SIGTERM.

    What comes is kept in segments of half an hour; `undertow refresh` lands the closed ones. Connections that break are
    made again, and every gap is recorded, so that no liquidations can be told from no connection.

    [bold]Examples[/]

      undertow record

      undertow record --venue bybit --venue okx --for 10m

      undertow refresh --only recorder
    """
    from orchestration.cli import record as command

    raise typer.Exit(command.record(_settings(context, market, home), venues=venue or (), duration=duration))


@app.command()
def scorecard(
    context: typer.Context,
    write_docs: Annotated[
        Path | None,
        typer.Option(
            "--write-docs", metavar="FILE", help="Write the page here, not to the terminal.", show_default=False
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what was evaluated last; evaluate nothing.")] = False,
    market: Market = None,
    home: Home = None,
) -> None:
    """Hold the index against baselines and the rules against matched days, publish it, show it. Takes minutes.

    Other builds leave the scorecards as they were. UNDERTOW_SCORECARD_REPLICATES sets the number of resamples.

    [bold]Examples[/]

      undertow scorecard --write-docs docs/scorecard.md

      undertow sql "select wording from marts.scorecard_comparisons where metric = 'auroc'"
    """
    settings = _settings(context, market, home)
    with ending_at_once():
        from orchestration.cli import scorecard as command

        raise typer.Exit(command.evaluate(settings, write_docs=write_docs, is_shown_only=show))


@app.command()
def status(context: typer.Context, as_json: AsJson = False, market: Market = None, home: Home = None) -> None:
    """Show the index, its coverage, how fresh every dataset is, and where things are.

    Reads what is published, so it answers while a refresh is running.

    [bold]Example[/]

      undertow status --json | jq .index.cmsi
    """
    from orchestration.cli import status as command

    command.show_status(_settings(context, market, home), as_json=as_json)


@app.command()
def why(
    context: typer.Context,
    day: Annotated[
        str | None,
        typer.Argument(metavar="[DATE]", help="Such as 2025-11-04, yesterday; the newest print if not given."),
    ] = None,
    indicator: Annotated[
        str | None,
        typer.Option("--indicator", help="Follow one input down to the archived responses its rows came from."),
    ] = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    market: Market = None,
    home: Home = None,
) -> None:
    """Take a print apart: pillars, inputs, values, and what changed since the day before.

    Points add up to the index. A day without a print says why it has none. Follow an input with --indicator: raw table,
    rows, responses with hash, request and file; what lies in this archive is hashed again.

    [bold]Examples[/]

      undertow --market simulated why 2025-10-10

      undertow --market simulated why 2025-10-10 --indicator oi_speed_7d

      undertow why 2025-10-10 --as-of 2025-10-10
    """
    from orchestration.cli import why as command
    from orchestration.cli.as_of import published_as_of

    settings = _settings(context, market, home)
    if indicator is None:
        command.explain(settings, day, as_json=as_json, published=published_as_of(settings, as_of))
    elif as_of is None:
        command.trace(settings, day, indicator, as_json=as_json)
    else:
        raise Mistake("choose one of --indicator and --as-of: responses are followed from what is published")


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[str | None, typer.Argument(help="The query; none opens a shell.", show_default=False)] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV.")] = False,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option("--limit", help="Most rows of a table; 0 for all.", min=0)] = 200,
    as_of: AsOf = None,
    files: Annotated[
        bool, typer.Option("--files", help="Let the query read and write files, to join them or to export.")
    ] = False,
    market: Market = None,
    home: Home = None,
) -> None:
    """Query the published database, read-only; without a query, in a small shell.

    [bold]Examples[/]

      undertow sql "from why('2025-11-04')"

      undertow sql --csv "from index_between('2025-10-01', '2025-12-31')" > autumn.csv

      undertow sql "select * from meta.data_dictionary where table_name = 'stress_index_daily'"

      undertow sql --as-of "2025-11-04 00:30" "from marts.stress_index_daily order by date desc limit 3"
    """
    from orchestration.cli import query as command
    from orchestration.cli.as_of import published_as_of

    if as_csv and as_json:
        raise Mistake("choose one of --csv and --json")
    settings = _settings(context, market, home)
    if query is None:
        if as_csv or as_json:
            raise Mistake("--csv and --json go with a query")
        command.run_shell(settings, allow_files=files, published=published_as_of(settings, as_of))
        return
    output = "csv" if as_csv else "json" if as_json else "table"
    published = published_as_of(settings, as_of)
    command.run_query(settings, query, output, limit=limit or None, allow_files=files, published=published)


@app.command("as-of")
def look_back(
    context: typer.Context,
    instant: Annotated[
        str, typer.Argument(help="Such as '2025-11-04 00:30' (UTC); a day alone stands for its cut-off.")
    ],
    market: Market = None,
    home: Home = None,
) -> None:
    """Make the published marts as they would have been at an instant, and write the path of that database.

    For notebooks and BI tools. Nothing that became available later is in it; `meta.about` carries the instant.

    [bold]Example[/]

      duckdb -readonly "$(undertow as-of 2025-10-10)"
    """
    from orchestration.cli import as_of as command

    command.show(_settings(context, market, home), instant)


@app.command()
def prove(
    context: typer.Context,
    dates: Annotated[int, typer.Option("--dates", metavar="N", help="How many days, at random.", min=1)] = 25,
    seed: Annotated[int, typer.Option("--seed", help="The same seed chooses the same days.")] = 0,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="No day before this one.", show_default=False)
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="No day after this one.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="MART", help="Compare only this mart; repeatable.", show_default=False),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--everything", help="Compare every mart that says by when its rows are known.")
    ] = False,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Share nothing between days; several times slower.")
    ] = False,
    as_json: AsJson = False,
    market: Market = None,
    home: Home = None,
) -> None:
    """Prove that nothing printed looked ahead: cut raw at a day's cut-off, compute again, compare.

    Days that differ only because figures were restated since are shown apart. The exit code is 1 if a day looked ahead.

    [bold]Examples[/]

      undertow prove --dates 365

      undertow prove --dates 20 --everything --from 2025-10-01
    """
    begin = parse_day(first) if first else None
    end = parse_day(last) if last else None
    settings = _settings(context, market, home)
    with ending_at_once():
        from orchestration.cli import prove as command

        code = command.prove(
            settings,
            count=dates,
            seed=seed,
            first=begin,
            last=end,
            only=only or (),
            is_everything=everything,
            from_scratch=from_scratch,
            as_json=as_json,
        )
    raise typer.Exit(code)


@app.command()
def rebuild(
    context: typer.Context,
    from_archive: Annotated[
        bool, typer.Option("--from-archive", help="From the archived responses; there is no other way.")
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="DIR", help="Where to, an empty folder; kept. A passing one if not given."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the rebuilt warehouse in the place of the present one.")
    ] = False,
    as_json: AsJson = False,
    market: Market = None,
    home: Home = None,
) -> None:
    """Build a warehouse anew from the archive alone, with no network, and compare it bit for bit with the present one.

    The exit code is 1 if a table differs, which is named.

    [bold]Example[/]

      undertow rebuild --from-archive
    """
    if not from_archive:
        raise Mistake("say what to rebuild from: undertow rebuild --from-archive")
    settings = _settings(context, market, home)
    with ending_at_once():
        from orchestration.cli import rebuild as command

        code = command.rebuild(settings, into=into, replace=replace, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def sources(context: typer.Context, as_json: AsJson = False, market: Market = None, home: Home = None) -> None:
    """List every dataset: provider, cadence, key, licence, last landed, state."""
    from orchestration.cli import status as command

    command.show_sources(_settings(context, market, home), as_json=as_json)


@app.command()
def doctor(context: typer.Context, as_json: AsJson = False, market: Market = None, home: Home = None) -> None:
    """Look for what would stop a refresh: providers, disk, locks, published file.

    The exit code is 1 if something needs doing.
    """
    from orchestration.cli import doctor as command

    raise typer.Exit(command.examine(_settings(context, market, home), as_json=as_json))


@app.command()
def alerts(
    context: typer.Context,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, send nothing.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Send every sink a test message.")] = False,
    as_json: AsJson = False,
    market: Market = None,
    home: Home = None,
) -> None:
    """Show the open alerts, and deliver those that are new.

    Every refresh that publishes delivers as well; each alert is sent once, and once more when it is over.

    [bold]Sinks[/] (environment)

      UNDERTOW_ALERT_WEBHOOK=https://...            JSON by POST; chat services show its `text`

      UNDERTOW_ALERT_SMTP=smtp://user:password@host:587, UNDERTOW_ALERT_MAIL_TO=desk@example.org

      UNDERTOW_ALERT_FILE=alerts.jsonl              a line of JSON each

      UNDERTOW_ALERT_SEVERITY=critical              the least that is sent; warning if not set
    """
    from orchestration.cli import alerts as command

    if dry and test:
        raise Mistake("choose one of --dry-run and --test")
    raise typer.Exit(command.tell(_settings(context, market, home), dry=dry, test=test, as_json=as_json))


@app.command()
def dev(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port on this machine.")] = 3000,
    market: Market = None,
    home: Home = None,
) -> None:
    """Open Dagster's pages on 127.0.0.1: asset graph, runs, schedules, backfills. Ctrl-C ends it."""
    from orchestration.cli import dev as command

    raise typer.Exit(command.serve(_settings(context, market, home), port))


@app.command()
def generate(
    checkout: Annotated[
        Path,
        typer.Argument(help="Root of the checkout.", exists=True, file_okay=False, show_default="."),
    ] = Path(),
) -> None:
    """Write the files that follow from the descriptors: dbt sources and docs/datasets.md."""
    from orchestration.catalogue import generate as write
    from sources.registry import DATASETS

    if not (checkout / "dbt_project").is_dir():
        raise Mistake(f"{checkout.resolve()} is no checkout of Undertow: it has no dbt_project")
    changed = write(checkout, DATASETS.values())
    for path in changed:
        print(f"wrote {path}")
    if not changed:
        print("everything is up to date")
