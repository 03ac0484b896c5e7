"""`canary number greet`: what a number says when it is called."""

from dataclasses import asdict, replace

import click

from canary.cli.number import number
from canary.cli.output import format_option, show_one
from canary.listen.voice import LANGUAGES, Greeting
from canary.settings import load
from canary.store import greetings


@number.command()
@click.argument("name", metavar="NUMBER")
@click.option("--text", help="What is said first; the usual words if empty.")
@click.option("--language", type=click.Choice(LANGUAGES), help="The language of notice and questions.")
@click.option("--notice/--no-notice", default=None, help="Whether the caller is told of the recording.")
@click.option("--questions/--no-questions", default=None, help="Whether the neutral questions are asked.")
@click.option("--usual", is_flag=True, help="Answer as usual again.")
@format_option
def greet(name: str, usual: bool, style: str, **wanted: str | bool | None) -> None:
    """Show or set how NUMBER (its code, or itself) answers calls; the server knows within half a minute."""
    settings = load()
    given = {key: value for key, value in wanted.items() if value is not None}
    with settings.store().writing() as session:
        held = greetings.named(session, name)
        now = Greeting(**(greetings.of(session, held) or {"language": settings.voice_language}))
        if usual:
            now = Greeting(language=settings.voice_language)
            greetings.keep(session, settings.now(), held, None)
        elif given:
            now = replace(now, **given)  # type: ignore[arg-type] # click has checked what they are
            greetings.keep(session, settings.now(), held, asdict(now))
    show_one("greeting", {"number": held.code, **asdict(now), "said": now.said()}, style)


COMMANDS = (number,)
