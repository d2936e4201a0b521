"""gemini-cli: a Unix tool for Google's Gemini API."""

__version__ = "0.1.0"  # a literal: importlib.metadata would cost every run 25 ms
