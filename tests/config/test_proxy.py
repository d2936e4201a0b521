"""The proxy that the environment names."""

from __future__ import annotations

import pytest

from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.endpoint import resolve_endpoint
from gemini_cli.config.proxy import find_proxy


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "p:1"}, "http://p:1"),
        ({"https_proxy": "http://low:1", "HTTPS_PROXY": "http://up:1"}, "http://low:1"),
        ({"ALL_PROXY": "http://all:1"}, "http://all:1"),
        ({"HTTP_PROXY": "http://plain:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "api.example"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": ".example"}, None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "other.example"}, "http://p:1"),
    ],
)
def test_the_proxy_is_the_one_curl_would_take(environ: dict[str, str], proxy: str | None) -> None:
    found = find_proxy(resolve_endpoint(ConnectionOptions(base_url="https://api.example"), {}), environ)
    assert (found.value if found else None) == proxy


def test_no_proxy_is_used_for_this_machine() -> None:
    endpoint = resolve_endpoint(ConnectionOptions(base_url="http://127.0.0.1:1"), {})
    assert find_proxy(endpoint, {"HTTPS_PROXY": "http://p:1"}) is None
