"""The way out that the environment names: one reading of its proxies, for GitLab and for Qdrant.

The variables are those of curl and of most programs: ``HTTPS_PROXY``, ``HTTP_PROXY``, ``ALL_PROXY`` and
``NO_PROXY``, in small letters too, which count first. Libraries read ``NO_PROXY`` each in a way of its own,
and some stumble over forms that others ask for: what is exempt here never meets a proxy there.
"""

from __future__ import annotations

import ipaddress
import os
import re
from importlib.util import find_spec
from urllib.parse import urlsplit

from stagekit.base.imports.extras import install_command
from stagekit.errors import StageError

SOCKS_PACKAGES = {"requests": "socks", "httpx": "socksio"}
"""The module by which each HTTP library speaks SOCKS; the extra ``socks`` installs both."""

_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_PORTS = {"http": 80, "https": 443}


def proxy_for(url: str, library: str) -> str:
    """Return the address of the proxy by which ``requests`` or ``httpx`` goes to an url; empty without.

    Raises:
        StageError: if the proxy cannot be used; the sentence names the variable, never its value, which may
            hold a password.
    """
    parts = urlsplit(url)
    variable, proxy = _named(parts.scheme)
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    host = parts.hostname or ""
    if not proxy or is_exempt(host, parts.port or _PORTS.get(parts.scheme, 0), no_proxy):
        return ""
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    scheme = urlsplit(proxy).scheme.lower()
    aside = f"or name {host} in NO_PROXY if no proxy leads there"
    if scheme not in _SCHEMES or not _is_address(proxy):
        raise StageError(
            f"{variable} of the environment names no proxy that can be used: give it as http://host:port, "
            f"{aside}."
        )
    if scheme.startswith("socks") and find_spec(SOCKS_PACKAGES[library]) is None:
        raise StageError(
            f"{variable} of the environment names a SOCKS proxy, for which a package is missing: "
            f"{install_command('socks')}, {aside}."
        )
    return proxy


def is_exempt(host: str, port: int, no_proxy: str) -> bool:
    """Tell whether a host is reached without a proxy; this machine always is.

    Args:
        host: name or address, of version 6 without brackets.
        port: of the request.
        no_proxy: names (with what is below them), addresses, networks (10.0.0.0/8), each with a port if it is
            to count for that one only; or ``*``. Separated by commas or blanks.
    """
    host = host.lower().rstrip(".")
    address = _address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(
        _matches(entry, host, port, address) for entry in re.split(r"[,\s]+", no_proxy.lower()) if entry
    )


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _matches(entry: str, host: str, port: int, address: _Address | None) -> bool:
    if entry == "*":
        return True
    # With a port: name:80, 10.0.0.1:80, [::1]:80; an address of version 6 has colons of its own.
    found = re.fullmatch(r"\[([^]]*)\](?::(\d+))?|([^:]*):(\d+)", entry)
    if found:
        name, wanted = found[1] or found[3] or "", found[2] or found[4]
        return (not wanted or int(wanted) == port) and _matches(name, host, port, address)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return False
    name = entry.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _named(scheme: str) -> tuple[str, str]:
    for name in (f"{scheme}_proxy", f"{scheme}_PROXY".upper(), "all_proxy", "ALL_PROXY"):
        if value := os.environ.get(name, "").strip():
            return name, value
    return "", ""


def _is_address(proxy: str) -> bool:
    try:
        parts = urlsplit(proxy)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
