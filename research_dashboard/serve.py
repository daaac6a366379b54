"""`research-dashboard`: the web server and a worker together, in one process group."""

import argparse
import contextlib
import errno
import fcntl
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from research_dashboard import memory
from research_dashboard import settings as settings_module
from research_dashboard.settings import SettingError, Settings

if TYPE_CHECKING:
    from flask import Flask

HEADERS_WITHIN = 10_000  # milliseconds that a client has for a request's headers
KILL_TIMEOUT = 8  # seconds a process has to end before it is killed
RESTART_PAUSE = 1.0  # a worker that dies at once is not started in a tight loop
READY_WITHIN = 60.0
INTERRUPTED = 130  # what a program that Ctrl-C ended exits with


class CannotServeError(Exception):
    """The server cannot start; the text says why and what to do."""


def main() -> None:
    """Serve until SIGTERM or Ctrl-C. Exit code 0 also when it is running already: starting twice is starting once."""
    argparse.ArgumentParser(
        prog="research-dashboard",
        description="Serve Research Dashboard and work off its runs, until Ctrl-C.",
        epilog="HOST and PORT say where, RESEARCH_DASHBOARD_INSTANCE where the data is; flask doctor what is wrong.",
    ).parse_args()
    memory.two_arenas()
    try:
        settings = settings_module.load()
        host, port = address()
        with only_once(settings.instance, f"http://{_in_url(host)}:{port}") as first:
            if not first:
                return
            host = check_free(host, port)
            with _prepared_beside(settings, host):
                _share_memory(settings)
            serve(settings, host, port)
    except (CannotServeError, SettingError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:  # while it prepared
        sys.exit(INTERRUPTED)


def address() -> tuple[str, int]:
    """HOST and PORT. Raises CannotServeError."""
    host = os.environ.get("HOST", "").strip() or "127.0.0.1"
    text = os.environ.get("PORT", "").strip() or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise CannotServeError(f"PORT is {text!r}: give a whole number from 1 to 65535.")
    return host, int(text)


@contextlib.contextmanager
def only_once(instance: Path, url: str) -> Any:
    """Hold the instance folder's lock; without it, say where the server runs already and yield False."""
    path = instance / "serve.lock"
    try:
        file: IO[str] = path.open("a+")
    except OSError as error:
        raise CannotServeError(
            f"{path} cannot be written ({error.strerror}): give RESEARCH_DASHBOARD_INSTANCE a folder of your own."
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            print(f"Research Dashboard is running already at {file.read().strip() or url}")
            yield False
            return
        file.truncate(0)
        file.write(url)
        file.flush()
        yield True


def check_free(host: str, port: int) -> str:
    """The address that the host's name stands for (the server takes no names). Raises CannotServeError when it cannot
    be listened on: the server itself would share a taken port."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            probe.listen()
            return str(where[0])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CannotServeError(
                f"Port {port} is taken by another program: give another one, PORT={port + 1}."
            ) from None
        reason = error.strerror or str(error)
        raise CannotServeError(f"{host}:{port} cannot be listened on ({reason}): check HOST and PORT.") from None


@contextlib.contextmanager
def _prepared_beside(settings: Settings, host: str) -> Iterator[None]:
    """Prepare in a process of its own while this lasts: what that takes goes with it, and this process opens no
    database, so that those it forks inherit none. Exits as that process did, where it failed; it has said why."""
    beside = _context().Process(target=_prepare, args=(settings, host), name="prepare")
    beside.start()
    yield
    beside.join()
    if beside.exitcode:
        sys.exit(beside.exitcode)


def _prepare(settings: Settings, host: str) -> None:
    die_with_parent()
    gc.disable()  # for the second or two that it lives
    try:
        prepare(settings, host)
    except (CannotServeError, SettingError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def prepare(settings: Settings, host: str) -> None:
    """Bring the database up to date and the bundle into it, before anything works on it.

    Raises SettingError for an address that others could reach while there is no account, CannotServeError.
    """
    from sqlalchemy.exc import DBAPIError

    from research_dashboard.base import trouble
    from research_dashboard.extensions import db
    from research_dashboard.listening import refuse
    from research_dashboard.services.backups import BackupError
    from research_dashboard.services.database import prepare_database

    app = _application(settings)
    with app.app_context():
        try:
            prepare_database(settings.instance)
        except BackupError as error:
            raise CannotServeError(str(error)) from error
        except DBAPIError as error:
            if (found := trouble(error)) is None:
                raise
            raise CannotServeError(f"{found.cause} {found.cure} Then start the program again.") from error
        refuse(app, host)
        db.session.remove()
        db.engine.dispose()


def web() -> Any:
    """The WSGI application in a web process, which ends when the server's first process does."""
    from research_dashboard.queue import queue_of

    die_with_parent()
    app = _application()
    _in_background(queue_of, app.config["SETTINGS"])  # opened before the first run is asked for
    _in_background(warm, app)
    app.extensions["upkeep"].begin()
    return app


def warm(app: Any) -> None:
    """Have at hand what the first name typed and the first call of the API need: the directory, the API's schemas."""
    from research_dashboard.logs import logger
    from research_dashboard.queries.directory import suggest

    with app.app_context():
        try:
            suggest("warm")
        except Exception as error:  # the first request will meet the same trouble, and say so
            logger.warning("not_warmed", error=str(error))
    import_module("research_dashboard.endpoints.openapi")
    memory.give_back()


def work(parent: int) -> None:
    """Be the worker process, which ends when the server's first process does."""
    from research_dashboard.worker import Worker

    die_with_parent()
    if os.getppid() == parent:
        import_module("research_dashboard.research.pipeline")  # before the first run waits for it
        Worker(_application()).run(parent)


def die_with_parent() -> None:
    """On Linux: be killed when the process that started this one dies, however it dies."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def serve(settings: Settings, host: str, port: int) -> None:
    """The web processes and one worker process, until told to end."""
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from research_dashboard.intake import MOST_HEADERS, THREADS

    crew = Crew()
    server = _server_class(crew)(
        "research_dashboard.serve:web",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=settings.web_processes,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN, max_buffer_size=MOST_HEADERS),
        blocking_threads=THREADS,
        workers_kill_timeout=KILL_TIMEOUT,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
        websockets=False,
    )
    server.on_startup(crew.start)
    server.on_startup(lambda: _in_background(announce, host, port))
    server.on_shutdown(crew.stop)
    gc.collect()
    memory.give_back()
    gc.freeze()  # the collector's marks would make the forked processes' own copies of what they share
    try:
        server.serve()
    finally:
        crew.stop()


def _server_class(crew: "Crew") -> Any:
    """granian's server that tells the crew at once when it is to end, and with its listening socket held by the first
    process, as elsewhere than on Linux.

    There each web process has a socket of its own, so that who connects is refused while a dead one is started again,
    and who was in its line is dropped. In one line they wait for the next that accepts.
    """
    from granian import net
    from granian.server import Server

    class OneLine(Server):  # type: ignore[misc, valid-type]
        def _init_shared_socket(self) -> None:
            self._ssp = None
            self._shd = net.SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()  # type: ignore[attr-defined]
            self._sfd = self._shd.get_fd()
            self._sso = socket.socket(fileno=self._sfd)
            self._sso.set_inheritable(True)

        def signal_handler_interrupt(self, *args: Any, **kwargs: Any) -> None:
            crew.ending.set()  # Ctrl-C ends the worker, too: nobody shall start another while readers are waited for
            super().signal_handler_interrupt(*args, **kwargs)

    return OneLine


def _share_memory(settings: Settings) -> None:
    """Make the application here, and load what more than one process needs: forked processes then share it."""
    from research_dashboard.pages.frame import load_templates
    from research_dashboard.queue import load_huey
    from research_dashboard.research import wording

    load_templates(_application(settings))
    import_module("granian.server")
    load_huey(settings)
    wording.long_date(date(2026, 1, 1))  # Babel's tables, read by its first use


@cache
def _made(settings: Settings) -> "Flask":
    from research_dashboard import create_app

    return create_app(settings=settings)


def _application(settings: Settings | None = None) -> "Flask":
    """The application: the one that this process was forked with, else one made here."""
    return _made(settings or settings_module.load())


def _context() -> Any:
    """How processes are made: forked where Python does so by itself, else started anew."""
    method = multiprocessing.get_start_method()
    return multiprocessing.get_context(method if method in ("fork", "spawn") else "spawn")


class Crew:
    """The worker process beside the web: started again when it dies, ended when the server ends."""

    def __init__(self) -> None:
        self.ending = threading.Event()
        self.process: BaseProcess | None = None

    def start(self) -> None:
        """Start the worker, and the thread that looks after it."""
        self._spawn()
        _in_background(self._look_after)

    def _spawn(self) -> None:
        # multiprocessing keeps the process group; the worker itself ends when this process is gone.
        self.process = _context().Process(target=work, args=(os.getpid(),), name="worker")
        self.process.start()

    def _look_after(self) -> None:
        """Start the worker again when it dies. This thread lives as long as the process: see PR_SET_PDEATHSIG."""
        from research_dashboard.logs import logger

        while (process := self.process) is not None:
            process.join()
            if self.ending.is_set():
                return
            if process.exitcode:  # 0: it was told to end, and has said so
                logger.error("worker_died", exitcode=process.exitcode)
            if self.ending.wait(RESTART_PAUSE):
                return
            self._spawn()

    def stop(self) -> None:
        """End the worker in an orderly way, or by force when it takes too long."""
        self.ending.set()
        process, self.process = self.process, None
        if process is None or not process.is_alive():
            return
        process.terminate()
        process.join(KILL_TIMEOUT)
        if process.is_alive():
            process.kill()
            process.join()


def announce(host: str, port: int) -> None:
    """Print the address once the server answers."""
    url = f"http://{_in_url('127.0.0.1' if host in ('0.0.0.0', '::') else host)}:{port}"  # noqa: S104  # nothing listens there: it is asked after
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=READY_WITHIN):  # noqa: S310  # http, ours
                break
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.05)
    print(f"Research Dashboard is ready at {url}", flush=True)


def _in_background(function: Callable[..., object], *args: Any) -> None:
    threading.Thread(target=function, args=args, daemon=True).start()


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    import_module("research_dashboard.serve").main()  # by its name, under which the processes know it
