"""`canary serve`, `schedule`, `job`: the processes that run, and each job by hand."""

import click

from canary import schedule as jobs
from canary.cli.output import format_option, one_line, remark, show_list
from canary.errors import OutsideError
from canary.settings import load
from canary.web.server import Server


@click.command()
def serve() -> None:
    """Run the web server that providers call (gunicorn)."""
    settings = load()
    store = settings.serving_store()  # a clear error now beats a worker that dies at boot
    try:
        store.ping()
    except OutsideError as error:
        remark(f"{error.message}: requests wait in {settings.spool().folder} until it is back")
    store.close()
    Server(settings).run()


@click.command()
def schedule() -> None:
    """Run the scheduler: one process; a second one waits for its lease."""
    jobs.run_forever(load(), remark)


@click.group()
def job() -> None:
    """The scheduler's jobs, by hand: safe at any time."""


@job.command()
@click.argument("name")
def run(name: str) -> None:
    """Run one job now."""
    settings = load()
    click.echo(one_line(jobs.run_job(settings, settings.store(), name)))


@job.command("list")
@format_option
def list_(style: str) -> None:
    """What jobs there are."""
    lines = [{"job": name, "does": (function.__doc__ or "").split("\n")[0]} for name, function in jobs.JOBS.items()]
    show_list("jobs", lines, style)


COMMANDS = (serve, schedule, job)
