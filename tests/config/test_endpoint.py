"""Where requests go: base URLs and API versions."""

from __future__ import annotations

import pytest

from gemini_cli.config.connection_options import ConnectionOptions
from gemini_cli.config.endpoint import Endpoint, is_loopback, resolve_endpoint
from gemini_cli.errors import RejectedError, UsageError


def at(url: str) -> Endpoint:
    return resolve_endpoint(ConnectionOptions(base_url=url), {})


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
    with pytest.raises(RejectedError, match="cleartext"):
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
        resolve_endpoint(ConnectionOptions(api_version=version), {})
    with pytest.raises(UsageError):
        resolve_endpoint(ConnectionOptions(), {"GEMINI_API_REVISION": version})


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
def test_a_base_url_that_ends_in_a_version_says_the_version(version: str) -> None:
    for prefix in ("https://gateway.example", "https://gateway.example/gemini"):
        endpoint = at(f"{prefix}/{version}/")
        assert endpoint.url("interactions") == f"{prefix}/{version}/interactions"
        options = ConnectionOptions(base_url=f"{prefix}/{version}", api_version=version)
        assert resolve_endpoint(options, {}, version_given=True).version == version
        with pytest.raises(UsageError, match="--api-version"):
            resolve_endpoint(
                ConnectionOptions(base_url=f"{prefix}/{version}", api_version="v2"), {}, version_given=True
            )


@pytest.mark.parametrize(
    ("base", "url", "same"),
    [
        ("https://gateway.example", "https://GATEWAY.example:443/upload?id=1", True),
        ("http://LOCALHOST:8080/v1", "http://localhost:08080/x", True),
        ("https://gateway.example", "http://gateway.example:443/", False),
        ("https://gateway.example", "https://gateway.example:8443/", False),
        ("https://gateway.example", "https://user@gateway.example/", False),
        ("https://gateway.example", "https://gateway.example:x/", False),
        ("https://gateway.example", "https://[", False),
        ("https://gateway.example", "https://gateway.example.evil/", False),
    ],
)
def test_the_origin_is_scheme_host_and_port(base: str, url: str, same: bool) -> None:
    assert at(base).is_origin_of(url) is same
    assert at(base).may_have_key(url) is same


def test_a_path_prefix_is_kept() -> None:
    assert at("http://127.0.0.1:1/proxy/").url("interactions") == "http://127.0.0.1:1/proxy/v1beta/interactions"
    assert resolve_endpoint(ConnectionOptions(api_version="beta"), {}).version == "v1beta"
