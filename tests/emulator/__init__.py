"""Tests of the emulator, with the official SDK and curl as clients."""
