"""
The `syncsvc` command: which subcommands there are, and how it ends.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

import syncsvc
from syncsvc.cli import (
    apply,
    demo,
    dev,
    doctor,
    ending,
    explain,
    init,
    lag_exporter,
    offsets,
    parked,
    plan,
    preview,
    publish,
    rebuild,
    run,
    status,
    test,
    trace,
    validate,
    verify,
)

app = typer.Typer(
    name="syncsvc",
    help="Keeps MongoDB documents true to the relational rows they are joined from.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(syncsvc.__version__)
        raise typer.Exit


@app.callback()
def syncsvc_command(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an unexpected error.")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show it.")] = False,
) -> None:
    """
    Keeps MongoDB documents true to the relational rows they are joined from.

    Exit codes: 0 ok, 1 a check failed, 2 wrong usage or mapping, 3 drift, 4 a server cannot be reached.
    """


app.command("init")(init.init)
app.command("validate")(validate.validate)
app.command("test")(test.run_cases)
app.command("preview")(preview.preview)
app.command("explain")(explain.explain)
app.command("doctor")(doctor.doctor)
app.command("plan")(plan.plan)
app.command("apply")(apply.apply)
app.command("run")(run.run)
app.command("rebuild")(rebuild.rebuild)
app.command("publish")(publish.publish)
app.command("status")(status.status)
app.command("offsets")(offsets.offsets)
app.command("trace")(trace.trace)
app.command("verify")(verify.verify)
app.command("lag-exporter")(lag_exporter.lag_exporter)
app.add_typer(parked.app, name="parked")
app.add_typer(dev.app, name="dev")
app.command("demo")(demo.demo)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command; the exit code (see `ending`).

    Args:
        arguments: without the program's name; None: those of this process.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # Both are looked for before the command line is understood, because they say how a misunderstanding is told.
    debug, as_json = "--debug" in given, ending.wants_json(given)
    words = [word for word in given if word != "--debug"] or ["--help"]

    def command() -> Any:
        return typer.main.get_command(app).main(words, prog_name="syncsvc", standalone_mode=False)

    return ending.run(command, debug=debug, as_json=as_json)
