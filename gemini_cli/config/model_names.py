"""Names of models and agents, for completion (api/README.md 13).

Names are sent as they are given: only the server knows which exist. Retired names (api/README.md 13.6) are left out.
"""

DEFAULT_MODEL = "gemini-flash-latest"
ALIAS_VERSION = "v1beta"  # the only version that has the aliases
MODEL_ALIASES = (DEFAULT_MODEL, "gemini-flash-lite-latest", "gemini-pro-latest")  # api/README.md 1.3
# api/README.md 13.1
MODEL_NAMES = (
    "gemini-4-argon",
    "gemini-4-carbon",
    "gemini-4-hydrogen",
    "gemini-4-neon",
    "gemini-3.8-flash",
    "gemini-3.6-flash",
    "gemini-3.5-flash-lite",
    "gemini-3.1-pro-preview",
    "gemini-3.1-pro-preview-customtools",
    "gemini-3.1-flash-lite",
    "gemini-3-flash-preview",
    "gemini-2.5-pro",
    "gemini-2.5-flash",
    "gemini-2.5-flash-lite",
    "gemma-4-31b-it",
    "gemma-4-26b-a4b-it",
    "gemini-robotics-er-2-preview",
    "gemini-robotics-er-1.6-preview",
    "gemini-2.5-flash-image",
    "gemini-3-pro-image",
    "gemini-3.1-flash-image",
    "gemini-3.1-flash-lite-image",
    "gemini-nano-banana-2.1",
    "nano-banana-pro-preview",
    "gemini-3.8-flash-tts",
    "gemini-3.8-flash-lite-tts",
    "gemini-3.1-flash-tts-preview",
    "gemini-3.5-transcribe",
    "lyria-3.5",
    "lyria-3-clip-preview",
    "lyria-3-pro-preview",
    "gemini-omni-1.2-flash",
    "gemini-omni-1.1-flash",
    "gemini-omni-flash-preview",
)
# api/README.md 13.2
AGENT_NAMES = (
    "deep-research-preview-04-2026",
    "deep-research-max-preview-04-2026",
    "antigravity-preview-09-2026",
    "antigravity-preview-05-2026",
)
