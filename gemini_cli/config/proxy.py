"""The proxy and the trusted certificates, from options and environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gemini_cli.config.endpoint import Endpoint
from gemini_cli.config.option_groups import ResolvedValue


class TrustedCertificates(NamedTuple):
    """A file or a hashed directory of certificates; both None for those of the system."""

    file: str | None
    directory: str | None


def trusted_certificates(ca_file: str | None, environ: Mapping[str, str]) -> TrustedCertificates:
    """The file of `--ca-file` or SSL_CERT_FILE, else the directory of SSL_CERT_DIR."""
    return TrustedCertificates(ca_file, None if ca_file else environ.get("SSL_CERT_DIR") or None)


def find_proxy(endpoint: Endpoint, environ: Mapping[str, str]) -> ResolvedValue | None:
    """The URL of the proxy, from HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    The variables may be in lower case, as with curl.
    """
    if endpoint.loopback:
        return None
    names = [name for scheme in ("https_proxy", "all_proxy") for name in (scheme, scheme.upper())]
    variable = next((name for name in names if environ.get(name)), None)
    if variable is None:
        return None
    from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]  # not in typeshed; 10 ms

    if proxy_bypass_environment(endpoint.host, {"no": environ.get("no_proxy") or environ.get("NO_PROXY") or ""}):
        return None
    url = environ[variable]
    return ResolvedValue(url if "://" in url else f"http://{url}", variable)
