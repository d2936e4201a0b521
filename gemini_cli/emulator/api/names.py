"""The models and agents there are (reference.md 13), and which unknown names are believed.

The list of models is open: whatever begins like one of Google's is taken for a model. Names that begin with
`no-such-` are refused in any case, so that a test can ask for the refusal.
"""

from ..errors import Problem

TEXT_MODELS = (
    "gemini-4-argon",
    "gemini-4-carbon",
    "gemini-4-hydrogen",
    "gemini-3.8-flash",
    "gemini-3.7-flash",
    "gemini-3.6-flash",
    "gemini-3.5-flash",
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
)
MEDIA_MODELS = (
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
# Only on v1beta in the real service (reference.md 1.1).
ALIASES = ("gemini-flash-latest", "gemini-flash-lite-latest", "gemini-pro-latest")
FAMILIES = ("gemini", "gemma", "lyria", "nano-", "learnlm", "imagen", "veo", "deep-research", "antigravity")


def bare(model: str) -> str:
    return model.removeprefix("models/")


def believed(model: str) -> bool:
    return bare(model).startswith(FAMILIES) or model.startswith("tunedModels/")


def check_model(model: str) -> str:
    """The bare name, or the Interactions family's 404 (traffic.md 66)."""
    if believed(model):
        return bare(model)
    from difflib import get_close_matches  # only on the way out

    near = get_close_matches(model, [*ALIASES, *TEXT_MODELS, *MEDIA_MODELS], 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise Problem(404, f"Model '{model}' not found.{hint}", code="not_found")


def check_agent(agent: str) -> str:
    """Custom agents have any name, so only the asked-for refusal is left."""
    if not agent or agent.startswith("no-such-"):
        raise Problem(404, f"Agent '{agent}' not found.", code="not_found")
    return agent
