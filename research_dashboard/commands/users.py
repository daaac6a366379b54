"""`flask users …`: who may sign in, and their API tokens."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup

from research_dashboard.services import accounts
from research_dashboard.services.database import prepare_database
from research_dashboard.tables.accounts import Role, Scope

ROLES, SCOPES = [str(role) for role in Role], [str(scope) for scope in Scope]
users = AppGroup("users", help="Who may sign in, and their API tokens.")


def _command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A command of the group that finds the database ready: the first account is made where nothing ran yet."""

    def register(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def prepared(**values: Any) -> None:
            prepare_database(current_app.config["SETTINGS"].instance)
            function(**values)

        made: click.Command = users.command(name)(prepared)
        return made

    return register


def _complain(error: accounts.AccountError) -> click.ClickException:
    return click.ClickException(f"{error.field}: {error}")


def _say_without_admin() -> None:
    if not any(user.role == Role.ADMIN and user.disabled_at is None for user in accounts.users()):
        click.echo(
            "There is no admin now: nobody changes settings, reads the audit or deletes for good. "
            "Make one: flask users role NAME admin, or flask users add NAME --role admin.",
            err=True,
        )


@_command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default=str(Role.RESEARCHER), show_default=True)
@click.password_option(help="Asked for when it is not given.")
def add(name: str, role: str, password: str) -> None:
    """Add a user. With the first one, nobody gets in without signing in."""
    try:
        user = accounts.add_user(name, password, role)
    except accounts.AccountError as error:
        raise _complain(error) from None
    click.echo(f"Added {user.name}, {user.role}.")
    _say_without_admin()


@_command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
def role_command(name: str, role: str) -> None:
    """Give a user another role; it holds at once, for their sign-ins and API tokens, too."""
    try:
        accounts.set_role(name, role)
    except accounts.AccountError as error:
        raise _complain(error) from None
    click.echo(f"{name.strip().lower()} has the role {role}.")
    _say_without_admin()


@_command("list")
def list_users() -> None:
    """List the users with their roles."""
    found = accounts.users()
    for user in found:
        click.echo(f"{user.name}\t{user.role}\t{'disabled' if user.disabled_at else 'active'}")
    if not found:
        click.echo("No users: the server answers this machine only. Add the first: flask users add NAME --role admin.")


@_command("password")
@click.argument("name")
@click.option("--revoke", is_flag=True, help="Also end their API tokens and close the links that they shared.")
@click.password_option(help="Asked for when it is not given.")
def password_command(name: str, password: str, revoke: bool) -> None:
    """Give a user a new password and sign them out everywhere; with --revoke their tokens and shared links end, too."""
    try:
        accounts.set_password(name, password, revoke=revoke)
    except accounts.AccountError as error:
        raise _complain(error) from None
    kept = "API tokens are revoked and shared links closed" if revoke else "API tokens and shared links stay (--revoke)"
    click.echo(f"{name.strip().lower()} has a new password and is signed out everywhere. {kept}.")


@_command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Let a user in no more; their tokens are revoked and the links that they shared closed, what they did stays."""
    try:
        accounts.disable_user(name)
    except accounts.AccountError as error:
        raise _complain(error) from None
    click.echo(f"{name.strip().lower()} is disabled.")
    _say_without_admin()


@_command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Let a disabled user in again."""
    try:
        accounts.enable_user(name)
    except accounts.AccountError as error:
        raise _complain(error) from None
    click.echo(f"{name.strip().lower()} may sign in again.")


@_command("token")
@click.argument("name")
@click.option("--label", default="command line", show_default=True, help="What will use the token.")
@click.option("--scope", type=click.Choice(SCOPES), default=str(Scope.READ), show_default=True)
@click.option("--days", type=int, default=90, show_default=True)
def token(name: str, label: str, scope: str, days: int) -> None:
    """Make an API token for a user and print it, this once."""
    try:
        secret, row = accounts.add_token(name, label, scope, days)
    except accounts.AccountError as error:
        raise _complain(error) from None
    click.echo(f"Token {row.id} ({row.scope}, until {row.expires_at:%Y-%m-%d}). It is not shown again:", err=True)
    click.echo(secret)


@_command("tokens")
def list_tokens() -> None:
    """List every API token, without its secret."""
    names = {user.id: user.name for user in accounts.users()}
    for row in accounts.tokens():
        state = "revoked" if row.revoked_at else f"until {row.expires_at:%Y-%m-%d}"
        used = f"last used {row.last_used_at:%Y-%m-%d %H:%M}" if row.last_used_at else "never used"
        click.echo(f"{row.id}\t{names[row.user_id]}\t{row.prefix}…\t{row.scope}\t{row.name}\t{state}\t{used}")


@_command("revoke")
@click.argument("token_id", type=int)
def revoke(token_id: int) -> None:
    """Revoke an API token by its number."""
    if not accounts.revoke_token(token_id):
        raise click.ClickException(f"There is no token {token_id} to revoke; `flask users tokens` lists them.")
    click.echo(f"Token {token_id} is revoked.")
