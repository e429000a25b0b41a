"""``charimg doctor``: what is installed, which login works, what is missing, and the command that mends it."""

from __future__ import annotations

import asyncio
import os

import click

from charimg.cli import Desk, debug_option
from charimg.cli.tables import Cell, Row, show_json, show_table
from charimg.diagnosis import Examination
from charimg.findings import State, plain, verdict_of
from charimg.plugins import Plugins

_MARKS = {
    State.OK: Cell("ok", "green"),
    State.NOTE: Cell("-", "dim"),
    State.WARNING: Cell("warning", "yellow"),
    State.TROUBLE: Cell("TROUBLE", "bold red"),
}


@click.command()
@click.option("--offline", is_flag=True, help="Try no login; look only at this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
@debug_option
@click.pass_obj
def command(desk: Desk, offline: bool, as_json: bool) -> int:
    """Check what is installed, which login works, and what is missing.

    Nothing is changed and nothing is spent. The exit code is 0 when this project's own providers can work.
    """
    examination = Examination(
        desk.folder, os.environ, offline=offline, plugins=Plugins(environ=os.environ, folder=desk.folder)
    )
    findings = asyncio.run(examination.findings())
    code = verdict_of(findings)
    if as_json:
        show_json({"ok": not code, "findings": [plain(one) for one in findings]})
        return int(code)
    rows: list[Row] = []
    area = ""
    for one in findings:
        words = f"{one.words}; run: {one.remedy}" if one.remedy.startswith("charimg ") else one.words
        words = f"{one.words}; {one.remedy}" if one.remedy and words == one.words else words
        rows.append((one.area if one.area != area else "", _MARKS[one.state], one.subject, words))
        area = one.area
    show_table(("AREA", "STATE", "WHAT", "FINDING"), rows)
    wrong = sum(one.state is State.TROUBLE for one in findings)
    stops = "stops" if wrong == 1 else "stop"
    click.echo(f"\n{wrong} of these {stops} this project." if wrong else "\nNothing stops this project.")
    return int(code)
