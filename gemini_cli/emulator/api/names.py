"""Models and agents, and the unknown names that are accepted (api/README.md 13).

A name that begins like one of Google's models is a model. A model of any other name, such as `no-such-model`, does not
exist, and neither does an agent whose name begins with `no-such-`.
"""

from ..errors import ErrorResponse

TEXT_MODELS = (
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
EMBEDDING_MODELS = ("gemini-embedding-001", "gemini-embedding-2")
# Only on v1beta (api/README.md 1.3).
ALIASES = ("gemini-flash-latest", "gemini-flash-lite-latest", "gemini-pro-latest")
# Retired models, and the models that answer for them (api/README.md 13.6).
REPLACEMENTS = {"gemini-3.5-flash": "gemini-3.6-flash", "gemini-3.7-flash": "gemini-3.8-flash"}

LOW_TO_HIGH = ("low", "medium", "high")
FROM_MINIMAL = ("minimal", *LOW_TO_HIGH)
# The thinking levels of a model (api/README.md 13.3-13.5, 13.7); other models accept every level.
THINKING_LEVELS = {
    **dict.fromkeys(("gemini-4-hydrogen", "gemini-4-neon"), (*LOW_TO_HIGH, "xhigh")),
    **dict.fromkeys(
        (
            "gemini-4-argon",
            "gemini-4-carbon",
            "gemini-3.8-flash",
            "gemini-flash-latest",
            "gemini-3.1-pro-preview",
            "gemini-3.1-pro-preview-customtools",
            "gemini-2.5-pro",
            "gemini-2.5-flash",
            "gemini-2.5-flash-lite",
        ),
        LOW_TO_HIGH,
    ),
    **dict.fromkeys(
        ("gemini-3.6-flash", "gemini-3.5-flash-lite", "gemini-3.1-flash-lite", "gemini-3-flash-preview"), FROM_MINIMAL
    ),
    **dict.fromkeys(("gemini-3.1-flash-lite-image", "gemma-4-31b-it", "gemma-4-26b-a4b-it"), ("minimal", "high")),
}
MODEL_PREFIXES = ("gemini", "gemma", "lyria", "nano-", "learnlm", "imagen", "veo", "deep-research", "antigravity")


def bare_model_name(model: str) -> str:
    return model.removeprefix("models/")


def answering_model(model: str) -> str:
    """The bare name of the model that answers, which replaces a retired one."""
    name = bare_model_name(model)
    return REPLACEMENTS.get(name, name)


def is_known_model(model: str, version: str) -> bool:
    name = bare_model_name(model)
    if name in ALIASES:
        return version == "v1beta"
    return name.startswith(MODEL_PREFIXES) or model.startswith("tunedModels/")


def check_interaction_model(model: str, version: str) -> str:
    """The name of the model that answers.

    ErrorResponse 404 for an unknown model (api/README.md 12.12).
    """
    if is_known_model(model, version):
        return answering_model(model)
    from difflib import get_close_matches  # slow to import, and only for an error

    aliases = ALIASES if version == "v1beta" else ()
    near = get_close_matches(model, [*aliases, *TEXT_MODELS, *MEDIA_MODELS], 1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    raise ErrorResponse(404, f"Model '{model}' not found.{hint}", code="not_found")


def check_agent(agent: str) -> str:
    """The name; ErrorResponse 404 for `no-such-...`, as custom agents have any name."""
    if not agent or agent.startswith("no-such-"):
        raise ErrorResponse(404, f"Agent '{agent}' not found.", code="not_found")
    return agent
