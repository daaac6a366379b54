"""Which code makes the results: its version and a digest of it, for the manifest of a run."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

MAKES_RESULTS = ("research", "sources")  # how figures are made, and how what was filed is read


@cache
def code_version() -> str:
    """The version, with a digest of the modules that make results: 0.1.0+3f2a…; the same code, the same words."""
    return f"{version('research-dashboard')}+{digest(Path(__file__).parent)}"


def digest(package: Path) -> str:
    """Twelve digits over the names and the bytes of these modules, whatever folder they lie in."""
    found = hashlib.sha256()
    for path in sorted(path for part in MAKES_RESULTS for path in (package / part).rglob("*.py")):
        lines = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.relative_to(package).as_posix()} {len(lines)}\n".encode() + lines)
    return found.hexdigest()[:12]
