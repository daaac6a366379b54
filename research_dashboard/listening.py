"""Where this process listens: while there is no account, nowhere that others could reach, whoever starts it.

The program's own server asks before it begins (serve.py), `flask run` and app.run() say where they are about to, and
servers that open their socket first (gunicorn, uWSGI, systemd's) show it, on Linux. One that makes the application
first, and then listens (waitress, gunicorn --preload), cannot be known: access.py answers strangers 403 there.
"""

import ipaddress
import socket
from collections.abc import Iterator

import click
from flask import Flask
from flask.cli import run_command
from flask.helpers import get_debug_flag
from sqlalchemy.exc import DatabaseError

from research_dashboard.base import trouble
from research_dashboard.extensions import db
from research_dashboard.services import accounts
from research_dashboard.settings import SettingError
from research_dashboard.slow_clients import own_sockets

HOW = "Make one first: flask users add NAME --role admin."


def is_loopback(host: str) -> bool:
    """True when only this machine can reach the address; an empty one stands for every address there is."""
    if not host:
        return False
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return True  # nobody can listen there: whoever tries is told so
    return all(ipaddress.ip_address(str(where[0]).partition("%")[0]).is_loopback for *_, where in found)


def refuse(app: Flask, host: str, *, debugger: bool = False) -> None:
    """Raise SettingError for an address that others could reach while there is no account, or with Flask's debugger:
    who guesses its PIN runs there what they like."""
    if is_loopback(host):
        return
    where = f"Others could reach this server at {host or 'every address'}"
    if debugger:
        raise SettingError(f"{where}, and with it the debugger. Leave --debug out.")
    if not _accounts_there(app):
        raise SettingError(f"{where}, and there is no account yet. {HOW}")


def _accounts_there(app: Flask) -> bool:
    """True with accounts; also while the database cannot say, for until it can, access.py lets nobody in."""
    with app.app_context():
        try:
            return accounts.has_accounts()
        except DatabaseError as error:
            return trouble(error) is not None  # else there is no table of them yet
        finally:
            db.engine.dispose()


def _listened_on() -> Iterator[str]:
    """The addresses at which this process waits for connections already."""
    for _, found in own_sockets():
        if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockopt(
            socket.SOL_SOCKET, socket.SO_ACCEPTCONN
        ):
            yield str(found.getsockname()[0])


def init_app(app: Flask) -> None:
    """Look where the application is about to be served, or is. Raises SettingError."""
    command = click.get_current_context(silent=True)
    if command is None:
        for host in _listened_on():
            refuse(app, host)
    elif command.command is run_command:
        asked = command.params["debugger"]
        refuse(app, command.params["host"], debugger=get_debug_flag() if asked is None else asked)
