"""Whether a request comes from this very machine, and calls it by a name of its own."""

from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import current_app, request

# What proxies add (and whatever begins with X-Forwarded), as WSGI names it.
FORWARDED = frozenset(
    f"HTTP_{name}"
    for name in (
        *("FORWARDED", "FORWARDED_FOR", "VIA", "X_REAL_IP", "X_CLIENT_IP", "X_CLUSTER_CLIENT_IP", "X_ORIGINAL_HOST"),
        *("TRUE_CLIENT_IP", "CF_CONNECTING_IP", "FASTLY_CLIENT_IP"),
    )
)
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def is_from_here() -> bool:
    """True when who asks sits at this machine: by the socket, and by what a trusted proxy says; another proxy's word
    counts for nothing, and what it forwards comes from anywhere."""
    socket = request.environ.get("werkzeug.proxy_fix.orig", request.environ)["REMOTE_ADDR"]
    if not current_app.config["SETTINGS"].trusted_proxies and is_forwarded():
        return False
    return is_near(socket or "") and is_near(request.remote_addr or "")


def is_forwarded() -> bool:
    """True when a proxy says that it forwards the request."""
    return any(name in FORWARDED or name.startswith("HTTP_X_FORWARDED") for name in request.environ)


@lru_cache(maxsize=256)
def is_near(address: str) -> bool:
    """True for a loopback address."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=256)
def is_named_here(host: str) -> bool:
    """True for a name by which only this machine calls itself, with a port or without."""
    return host_name(host) in LOOPBACK_NAMES


def host_name(host: str) -> str:
    """The name alone, in lower case and without its last dot: localhost of LOCALHOST:8000."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # [::1
        return ""
