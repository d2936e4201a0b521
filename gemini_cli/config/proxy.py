"""The proxy, from the environment."""

from __future__ import annotations

from collections.abc import Mapping

from gemini_cli.config.endpoint import Endpoint
from gemini_cli.config.option_groups import ResolvedValue


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
