"""The Gemini API: sending requests, retrying them, and reading what comes back."""
