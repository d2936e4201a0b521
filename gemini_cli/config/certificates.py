"""The certificates to trust, from options and environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class TrustedCertificates(NamedTuple):
    """A file or a hashed directory of certificates; both None for those of the system."""

    file: str | None
    directory: str | None


def trusted_certificates(ca_file: str | None, environ: Mapping[str, str]) -> TrustedCertificates:
    """The file of `--ca-file` or SSL_CERT_FILE, else the directory of SSL_CERT_DIR."""
    return TrustedCertificates(ca_file, None if ca_file else environ.get("SSL_CERT_DIR") or None)
