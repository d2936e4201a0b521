"""Sections of the man page of `emulator`: scripts, control, clients, limits."""

from __future__ import annotations

from typing import NamedTuple

from gemini_cli.emulator.model.script import CONDITION_KEYS, LINE_KEYS


class ManualEntry(NamedTuple):
    """A term and its meaning."""

    term: str
    text: str


class ManualSection(NamedTuple):
    """A section of a man page: paragraphs, then entries."""

    title: str
    paragraphs: tuple[str, ...]
    entries: tuple[ManualEntry, ...] = ()


class ClientRecipe(NamedTuple):
    """How a client is led to the emulator, with URL for the address that it prints.

    `code` makes the client in Python; `tests/emulator/test_recipes.py` runs it if `tried` is "tried in the tests".
    """

    name: str
    text: str
    tried: str
    code: str = ""

    @property
    def entry(self) -> ManualEntry:
        code = f" Or `{self.code}`." if self.code else ""
        return ManualEntry(self.name, f"{self.text}{code} ({self.tried[:1].upper()}{self.tried[1:]}.)")


_BY_SDK = "The variables of google-genai."
RECIPES = (
    ClientRecipe(
        "google-genai, Python",
        "`GOOGLE_GEMINI_BASE_URL=URL`.",
        "tried in the tests",
        'genai.Client(http_options={"base_url": URL})',
    ),
    ClientRecipe(
        "langchain-google-genai",
        _BY_SDK,
        "tried in the tests",
        'ChatGoogleGenerativeAI(model="gemini-2.5-flash", base_url=URL)',
    ),
    ClientRecipe(
        "@google/genai, JavaScript",
        "`GOOGLE_GEMINI_BASE_URL=URL`. Or `new GoogleGenAI({httpOptions: {baseUrl: URL}})`.",
        "tried by hand, 2.32",
    ),
    ClientRecipe("pydantic-ai", _BY_SDK, "tried by hand, 2.68", "GoogleProvider(api_key=KEY, base_url=URL)"),
    ClientRecipe(
        "instructor",
        f"{_BY_SDK} `from_provider` needs `api_key`, or `GOOGLE_API_KEY`.",
        "tried by hand, 1.17",
        'instructor.from_genai(genai.Client(http_options={"base_url": URL}))',
    ),
    ClientRecipe(
        "llama-index-llms-google-genai",
        _BY_SDK,
        "tried by hand, 0.11",
        'GoogleGenAI(model="gemini-2.5-flash", http_options={"base_url": URL})',
    ),
    ClientRecipe(
        "mirascope",
        f"{_BY_SDK} Without `register_provider` it needs `GOOGLE_API_KEY`.",
        "tried by hand, 2.8",
        'llm.register_provider("google", api_key=KEY, base_url=URL)',
    ),
    ClientRecipe("google-genai-haystack", f"{_BY_SDK} It has no argument for the URL.", "tried by hand, 7.0"),
    ClientRecipe("google-adk", _BY_SDK, "tried by hand, 2.13", 'Gemini(model="gemini-2.5-flash", base_url=URL)'),
    ClientRecipe(
        "litellm",
        "`GEMINI_API_BASE=URL/v1beta`.",
        "tried by hand, 1.110",
        'litellm.completion("gemini/gemini-2.5-flash", messages, api_base=URL + "/v1beta")',
    ),
    ClientRecipe(
        "dspy",
        "`GEMINI_API_BASE=URL/v1beta`.",
        "tried by hand, 3.4",
        'dspy.LM("gemini/gemini-2.5-flash", api_base=URL + "/v1beta")',
    ),
    ClientRecipe(
        "@ai-sdk/google",
        "`createGoogleGenerativeAI({baseURL: URL + '/v1beta'})`. No variable for the URL; the key is "
        "`GOOGLE_GENERATIVE_AI_API_KEY`.",
        "tried by hand, 3.0",
    ),
    ClientRecipe(
        "@genkit-ai/google-genai",
        "`googleAI({baseUrl: URL})`. No variable for the URL; the key is `GEMINI_API_KEY`.",
        "tried by hand, 1.42",
    ),
    ClientRecipe(
        "google-generativeai, the old Python SDK",
        "No variable for the URL; the key is `GEMINI_API_KEY`.",
        "tried by hand, 0.8",
        'genai.configure(transport="rest", client_options={"api_endpoint": URL})',
    ),
    ClientRecipe("llm-gemini", "Not possible: the URL is fixed in its source.", "not tried, 0.35"),
)

SCRIPTS = ManualSection(
    "SCRIPTS",
    (
        "A script (`--script`) is a list of lines in YAML. The first line whose `when` matches and whose `times` are "
        "not used up gives the answer to a request, in both APIs. A request that no line matches gets the answer that "
        "the emulator makes up. EXAMPLES has three scripts. The keys of a line:",
    ),
    tuple(ManualEntry(key, f"{meaning}.") for key, meaning in LINE_KEYS.items()),
)
CONDITIONS = ManualSection(
    "CONDITIONS",
    ("The keys of a map under `when` in a script:",),
    tuple(ManualEntry(key, f"{meaning}.") for key, meaning in CONDITION_KEYS.items()),
)
CONTROL = ManualSection(
    "CONTROL",
    (
        "A test can change a running emulator with requests to its port. They need the header `X-Emulator-Token` with "
        "the token that is printed, and that COMMAND gets as `GEMINI_EMULATOR_TOKEN`. Bodies are JSON, with "
        "`Content-Type: application/json`.",
        "For tests in parallel, each test has a sandbox: an emulator without script and faults, which sees no requests "
        "and objects of others. The header `X-Emulator-Sandbox: NAME` or a path in front, `/sandbox/NAME`, chooses it, "
        "for the API and for the control. So `URL/sandbox/NAME` is an address for any client. The first request to a "
        "NAME makes the sandbox, if it has the key or the token.",
        "`X-Emulator-Fault: FAULT`, with the token, is a fault for one request.",
        "In Python, `gemini_emulator` is a fixture of pytest wherever gemini-cli is installed. It starts one server "
        "for the run (for each process of pytest-xdist), and each test has a sandbox: `gemini_emulator.url`, `.key`, "
        "`.requests` (as `--requests` writes them), `.script(LINES)`, `.fault(FAULT)`, `.environ()` and "
        "`.assert_all_used()`, which is `--strict` for the test.",
    ),
    (
        ManualEntry("PUT /emulator/script", "replace the script by the list in the body."),
        ManualEntry("POST /emulator/faults", "add the faults of the list in the body, each as for `--fault`."),
        ManualEntry(
            "GET /emulator/requests", "the requests, a list, each as `--requests` writes it; the newest 64 MiB."
        ),
        ManualEntry(
            "POST /emulator/reset",
            "begin again with the script and the faults of the command line (a sandbox: with none), without requests, "
            "and without objects, unless these are in a `--state` file. The response lists in `unused` what `--strict` "
            "would report.",
        ),
    ),
)
CLIENTS = ManualSection(
    "CLIENTS",
    (
        "A COMMAND after `--` gets `GEMINI_BASE_URL`, `GOOGLE_GEMINI_BASE_URL`, `GEMINI_API_BASE`, `GEMINI_API_KEY`, "
        "`GOOGLE_GENERATIVE_AI_API_KEY` and `GEMINI_EMULATOR_TOKEN`, but not `GOOGLE_API_KEY`, because the official "
        "SDKs warn of two keys. In the list, URL is the printed address, without `/v1beta`; KEY is the printed key. "
        "Recipes are tried in the tests of gemini-cli, or were tried by hand with the version that is named.",
    ),
    tuple(recipe.entry for recipe in RECIPES),
)
LIMITS = ManualSection(
    "LIMITS",
    (
        "Some things are left out on purpose. No option listens on another address than loopback, because the server "
        "has no TLS, and its token lets anyone change it; in a container, run it beside the client. It refuses "
        "browsers (requests with Origin), because any web page could send requests to it. It has no endpoint in the "
        "format of OpenAI, which is another API, with other errors and streams. It has no Live API, which is a "
        "protocol over WebSocket, and no Imagen (`:predict`): gemini-cli uses neither, so none of its tests would "
        "notice that they are emulated wrong.",
    ),
)
EMULATOR_SECTIONS = (SCRIPTS, CONDITIONS, CONTROL, CLIENTS, LIMITS)
