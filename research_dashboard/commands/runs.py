"""`flask runs …`: one thing done to every run that a filter text finds, once their number is confirmed."""

import click
from flask.cli import AppGroup, with_appcontext

from research_dashboard.extensions import reading
from research_dashboard.queries.bulk import bulk_job
from research_dashboard.queries.run_filter import InvalidFilter
from research_dashboard.services import audit, bulk_jobs
from research_dashboard.services.bulk_jobs import ACTIONS, IN_TRASH, Action
from research_dashboard.services.organise import CannotOrganise

runs = AppGroup("runs", help="Do one thing to every run of a filter: tag, trash, restore, run again, cancel.")
TEXT = "Which runs, as in the filter text: status:failed AND duration>2. Empty: every run."


def _command(name: str, action: Action) -> click.Command:
    """`flask runs NAME`, for an action that can be done to many."""

    def command(text: str, yes: bool, tag: str = "", days: int = 0) -> None:
        _do(name, text, tag, days, yes=yes)

    params: list[click.Parameter] = [
        click.Option(["--filter", "text"], default="", help=TEXT),
        click.Option(["--yes"], is_flag=True, help="Do not ask: do it to as many as there are."),
    ]
    if name in ("tag", "untag"):
        params.insert(0, click.Argument(["tag"]))
    if name in IN_TRASH:
        days = click.IntRange(0, 36_500)
        params.append(click.Option(["--days"], type=days, default=0, help="Those in the trash for that many days."))
    where = " of the trash" if name in IN_TRASH else ""
    words = f"{action.words}{' TAG' if '{tag}' in action.done else ''}: every run of a filter{where}. {action.hint}"
    return click.Command(name, callback=with_appcontext(command), params=params, help=words.strip())


for _name, _action in ACTIONS.items():
    runs.add_command(_command(_name, _action))


def _do(action: str, text: str, tag: str, days: int, *, yes: bool) -> None:
    """Say how many runs it is about, ask, and do it here and now."""
    try:
        chosen = bulk_jobs.chosen_by(action, text, days)
        count, mark = bulk_jobs.counted(chosen, action, tag)
        told = f"{ACTIONS[action].words}{f' “{tag}”' if tag else ''}: {count:,} {'run' if count == 1 else 'runs'}"
        if yes:
            click.echo(told)
        else:
            click.confirm(f"{told}?", abort=True)
        job_id = bulk_jobs.ask(action, chosen, audit.who_acts(), shown=count, mark=mark, tag=tag, via="command")
    except (CannotOrganise, InvalidFilter) as error:
        raise click.ClickException(str(error)) from None
    bulk_jobs.work_off(job_id)
    with reading() as session:
        job = bulk_job(session, job_id)
    if job is not None:
        click.echo(bulk_jobs.said(job))
    if job is None or job.state == "Failed":
        raise SystemExit(1)
