"""The wire over sockets: what it trusts, which proxy it takes, how a wait is interrupted. Its faults: tests/faults."""

from __future__ import annotations

import signal
import socket
import threading
import time
from importlib.util import find_spec

import pytest

from gemini_cli.deadline import arm_alarm, disarm
from gemini_cli.endpoint import Endpoint, endpoint, is_loopback
from gemini_cli.errors import DeadlinePassed, InputError, Rejected, UsageError
from gemini_cli.settings import Settings
from gemini_cli.transport import route
from gemini_cli.transport.http import HttpWire, Limits, interruptible
from gemini_cli.transport.wire import Call, NeverSent

LIMITS = Limits(1, 1)


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


def test_a_proxy_that_is_none_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="proxy"):
        HttpWire(at("https://api.example"), LIMITS, None, {"HTTPS_PROXY": "ftp://p:1"})


@pytest.mark.parametrize("ca_file", ["/no/such/file", __file__])
def test_certificates_that_cannot_be_read_are_an_input_error(ca_file: str) -> None:
    with pytest.raises(InputError, match="certificates"):
        HttpWire(at("https://api.example"), LIMITS, ca_file, {})


@pytest.mark.parametrize("environ", [{}, {"SSL_CERT_DIR": "/etc/ssl/certs"}])
def test_the_trust_store_is_the_systems(environ: dict[str, str]) -> None:
    HttpWire(at("https://api.example"), LIMITS, None, environ)


def test_a_wait_that_python_cannot_interrupt_ends_with_the_deadline() -> None:
    """As getaddrinfo would: a thread that holds on, whatever signals come."""
    held = threading.Event()
    before = signal.getsignal(signal.SIGALRM)
    started = time.monotonic()
    try:
        arm_alarm(0.05)
        with pytest.raises(DeadlinePassed):
            interruptible(lambda: held.wait(5))
    finally:
        disarm()
        signal.signal(signal.SIGALRM, before)
        held.set()
    assert time.monotonic() - started < 2


def test_what_the_work_raises_or_returns_comes_through() -> None:
    assert interruptible(lambda: 7) == 7
    with pytest.raises(KeyError):
        interruptible(lambda: dict[str, int]()["x"])


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


@pytest.mark.parametrize("answer", [b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", b""], ids=["refused", "closed"])
def test_a_tunnel_that_a_proxy_does_not_make_means_never_sent(answer: bytes) -> None:
    """The proxy's CONNECT is a request too; that it left does not mean that ours did."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1000).startswith(b"CONNECT api.example:443")
                connection.sendall(answer)

        thread = threading.Thread(target=refuse)
        thread.start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        wire = HttpWire(at("https://api.example"), LIMITS, None, {"HTTPS_PROXY": proxy})
        with pytest.raises(NeverSent):
            wire.send(Call("POST", "https://api.example/v1beta/interactions", {}, b"{}"))
        thread.join()


def test_a_socks_proxy_is_a_usage_error() -> None:
    if find_spec("socksio"):
        pytest.skip("socksio is installed here, so httpcore can speak SOCKS")
    with pytest.raises(UsageError, match="proxy"):
        HttpWire(at("https://api.example"), LIMITS, None, {"ALL_PROXY": "socks5://127.0.0.1:1"})
