"""What the server's processes hold in memory, and what they leave out."""

import socket
import subprocess
import sys
from pathlib import Path

from research_dashboard.memory import without

LEFT_OUT = ("psycopg", "redis", "rich", "pygments", "alembic", "typst", "xlsxwriter", "pydantic", "lark")
SHARED = ("sqlalchemy", "huey", "granian", "babel", "research_dashboard.pages.runs", "research_dashboard.api")

PROGRAM = """
import sys
from research_dashboard import serve, settings
with serve._prepared_beside(settings.load(), "127.0.0.1"):
    serve._share_memory(settings.load())
from research_dashboard.extensions import db
app = serve._application()
with app.app_context():
    print(db.engine.pool.checkedin() + db.engine.pool.checkedout(), *sys.modules)
"""


def test_the_process_that_is_forked_has_no_connection_and_no_library_of_no_use(tmp_path: Path) -> None:
    environment = {"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    connections, *loaded = ran.stdout.split()
    assert connections == "0"
    assert [name for name in LEFT_OUT if name in loaded] == []
    assert [name for name in SHARED if name not in loaded] == []
    assert (tmp_path / "research.db").stat().st_size > 1_000_000  # made beside it


def test_where_preparing_fails_the_server_says_why_and_ends(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    environment = {"RESEARCH_DASHBOARD_INSTANCE": str(tmp_path), "PORT": port}
    (tmp_path / "research.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    program = [sys.executable, "-m", "research_dashboard.serve"]
    ran = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "damaged" in ran.stderr


def test_a_package_that_is_hidden_is_not_found_meanwhile_and_is_there_afterwards() -> None:
    sys.modules.pop("tabnanny", None)
    with without("tabnanny", "json"):
        try:
            import tabnanny  # noqa: F401

            found = True
        except ImportError:
            found = False
        import json
    assert not found
    import tabnanny as again

    assert again.check
    assert json.dumps(1) == "1"  # what was loaded already stays
