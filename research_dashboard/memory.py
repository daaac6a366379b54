"""The memory of the server's processes: what is not loaded, and what is handed back."""

import contextlib
import ctypes
import sys
from collections.abc import Iterator

M_ARENA_MAX = -8  # of malloc.h


def two_arenas() -> None:
    """On glibc: two arenas instead of eight a processor; each thread would else keep its own freed memory."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back() -> None:
    """On glibc: hand what was freed back to the system; after work that took much more than usual."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def without(*names: str) -> Iterator[None]:
    """Import a library meanwhile as if these packages, which it can do without, were not installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: Python refuses to import it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
