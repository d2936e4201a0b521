"""The trust store of TLS connections."""

from __future__ import annotations

import os
import ssl
from typing import Any

from gemini_cli.errors import InputError


class TrustStore(ssl.SSLContext):
    """The certificates in `ca_file` or `ca_directory`, else those of the system.

    They are read when needed: a bundle takes 17 ms, and http:// needs none. Of a hashed directory, only the needed
    certificates are read. The end of TLS without close_notify (RFC 8446, 6.1) is an error, never the end of a body.
    """

    _ca_file: str | None
    _ca_directory: str | None
    _loaded: bool

    def __new__(cls, ca_file: str | None = None, ca_directory: str | None = None) -> TrustStore:
        store = super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)
        store._ca_file, store._ca_directory, store._loaded = ca_file, ca_directory, False
        return store

    def load(self) -> None:
        """Read the certificates; InputError if a given file or directory is unreadable."""
        if self._loaded:
            return
        if self._ca_file or self._ca_directory:
            try:
                self.load_verify_locations(self._ca_file, self._ca_directory)
            except (OSError, ssl.SSLError) as error:
                source = self._ca_file or self._ca_directory
                raise InputError(f"cannot read certificates from {source}: {error}") from None
        else:
            self._load_system_store()
        self._loaded = True

    def _load_system_store(self) -> None:
        paths = ssl.get_default_verify_paths()
        if paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath):
            self.load_verify_locations(capath=paths.capath)
        elif paths.cafile:
            self.load_verify_locations(paths.cafile)
        else:
            import certifi

            self.load_verify_locations(certifi.where())

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        self.load()
        return super().wrap_socket(*args, **{**kwargs, "suppress_ragged_eofs": False})

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        """For TLS through the TLS connection to a proxy."""
        self.load()
        return super().wrap_bio(*args, **kwargs)
