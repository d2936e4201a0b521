"""Where requests go: base URLs, API versions, proxies."""

from __future__ import annotations

import pytest

from gemini_cli.endpoint import Endpoint, endpoint, is_loopback
from gemini_cli.errors import Rejected, UsageError
from gemini_cli.settings import Settings
from gemini_cli.transport import route


def at(url: str) -> Endpoint:
    return endpoint(Settings(base_url=url), {})


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
    found = route.proxy(at("https://api.example"), environ)
    assert (found.value if found else None) == proxy


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("LOCALHOST", True),
        ("0.0.0.0", False), ("localhost.example", False), ("127.0.0.1.example", False), ("10.0.0.1", False),
    ],
)  # fmt: skip
def test_loopback_is_what_cannot_leave_the_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize("url", ["http://10.0.0.1", "http://localhost.example", "http://[2001:db8::1]/x"])
def test_cleartext_to_elsewhere_is_rejected(url: str) -> None:
    with pytest.raises(Rejected, match="cleartext"):
        at(url)


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://x", "https://", "https://x:port", "https://x?y", "https://x y", "https://u@x"]
)
def test_what_is_no_base_url_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        at(url)


@pytest.mark.parametrize("version", ["a/b", "v1?x", "v1\nx", "..", "ü"])
def test_what_is_no_version_is_a_usage_error(version: str) -> None:
    with pytest.raises(UsageError):
        endpoint(Settings(api_version=version), {})
    with pytest.raises(UsageError):
        endpoint(Settings(), {"GEMINI_API_REVISION": version})


def test_a_path_prefix_is_kept() -> None:
    assert at("http://127.0.0.1:1/proxy/").url("interactions") == "http://127.0.0.1:1/proxy/v1beta/interactions"
    assert endpoint(Settings(api_version="beta"), {}).version == "v1beta"
