"""A Redis to count in: the real one where the machine has it, else the five commands that counting asks of it."""

import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class _Speaker(socketserver.StreamRequestHandler):
    """One connection that speaks RESP. EVALSHA is `limits`' script: INCRBY, and EXPIRE at the first."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2].decode())
            self.wfile.write(server.answer(words[0].upper(), words[1:]))


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads = True, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Speaker)
        self.kept: dict[str, tuple[int, float]] = {}
        self.turn = threading.Lock()

    def answer(self, command: str, words: list[str]) -> bytes:
        with self.turn:
            now = time.time()
            self.kept = {key: (number, until) for key, (number, until) in self.kept.items() if until > now}
            if command in ("CLIENT", "SELECT"):
                return b"+OK\r\n"
            if command == "EVALSHA":
                _sha, _count, key, seconds, amount = words
                number, until = self.kept.get(key, (0, now + int(seconds)))
                self.kept[key] = (number + int(amount), until)
                return b":%d\r\n" % self.kept[key][0]
            number, until = self.kept.get(words[0], (0, 0.0)) if words else (0, 0.0)
            if command == "GET":
                return b"$%d\r\n%d\r\n" % (len(str(number)), number) if number else b"$-1\r\n"
            if command == "TTL":
                return b":%d\r\n" % (round(until - now) if number else -2)
            return b"-ERR unknown command\r\n"


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Its address, as RATE_STORAGE takes it."""
    if program := shutil.which("redis-server"):
        path = folder / "redis.sock"
        quiet = ["--port", "0", "--save", "", "--dir", str(folder), "--logfile", str(folder / "redis.log")]
        with subprocess.Popen([program, "--unixsocket", str(path), *quiet]) as process:
            try:
                _wait_for(path, process)
                yield f"redis+unix://{path}"
            finally:
                process.terminate()
        return
    with _Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}/1"
        server.shutdown()


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("redis-server does not start")
