"""Tests of the emulator: the wire against the documents, the official SDK and curl."""
