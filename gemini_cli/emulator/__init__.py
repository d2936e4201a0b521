"""The Gemini API, pretended: one object with two doors, in memory and on a loopback port.

`Emulator().handle(call)` is the first door; `gemini_cli.emulator.server.Server` the second. Nothing here imports
anything from the rest of `gemini_cli`, not even a constant: two programs that share one are wrong together.

Who may know whom, from the outside in:

    server -> guard, service
    service -> faults, access, and by name, when first asked: interactions, files, models, generate_content, batches
    those -> conversation, contents, model, stream, validation, store (through World)
    model -> answer parts: tools, functions, sample, tokens
    everything -> exchange, errors
"""

from .exchange import Call, Reply
from .service import Emulator

__all__ = ["Call", "Emulator", "Reply"]
