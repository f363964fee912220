"""Settings: what a user can set, frozen data with defaults. `settings_layers` reads them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

# What watches and cleans a model's text, by name: `infill complete --explain` says which had a part.
RuleName = Literal[
    "suffix start",
    "block ends",
    "repetition",
    "repeated phrase",
    "control text",
    "broken character",
    "code fence",
    "path header",
    "end text",
    "unreachable",
    "closer follows",
    "single line",
    "line limit",
    "drop overrun",
    "drop line below",
    "drop rest of line",
    "drop trailing space",
    "indent as the file",
    "drop blank",
]


class CompletionSettings(msgspec.Struct, frozen=True):
    """What is offered, and when."""

    enabled: Annotated[bool, Meta(description="Offer completions at all.")] = True
    disabled_languages: Annotated[
        tuple[str, ...], Meta(description="LSP language ids without completions, such as `markdown`.")
    ] = ()
    menu: Annotated[
        Literal["auto", "always", "manual", "never"],
        Meta(
            description="Offer items in the completion menu; `auto`: only where the editor lacks ghost text, `manual`: "
            "not while you type."
        ),
    ] = "auto"
    menu_wait_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=60_000,
            description="Let the menu wait for the model no longer than this: other items come with it. What is not "
            "ready is kept for the next keystroke. 0: wait.",
        ),
    ] = 300
    multi_line: Annotated[
        Literal["auto", "always", "never"],
        Meta(description="Offer several lines; `auto`: only when nothing follows the cursor on its line."),
    ] = "auto"
    max_lines: Annotated[int, Meta(ge=1, le=200, description="The most lines a completion has.")] = 12
    max_tokens: Annotated[int, Meta(ge=1, le=2048, description="The most tokens a completion has.")] = 64
    alternatives: Annotated[
        int, Meta(ge=1, le=8, description="How many different texts to look for when you ask for ghost text.")
    ] = 3
    speculative: Annotated[
        bool, Meta(description="Write what follows an answer while you look at it, so that it is there if you accept.")
    ] = True
    confidence: Annotated[
        float,
        Meta(
            ge=0.0,
            le=1.0,
            description="While you type, end a line where its probability falls below this: the lower, the more is "
            "shown, and the more of it is wrong. Who asks by hand has all of it. 0: never. The default is measured on "
            "the embedded model (`tests/eval/README.md`); one that is often right may do with less.",
        ),
    ] = 0.2
    switched_off_rules: Annotated[
        tuple[RuleName, ...],
        Meta(description="Rules that a model's text is not cut or cleaned by; `infill complete --explain` names them."),
    ] = ()
    debounce_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=5000,
            description="Wait this long for the next keystroke before asking the model, or as long as it takes to "
            "answer, if that is less.",
        ),
    ] = 30
    prefill_budget_ms: Annotated[
        int,
        Meta(
            ge=0,
            le=600_000,
            description="Show less text to the model where it would read for longer than this before it can write, "
            "and all of it once you pause; 0: always all of it.",
        ),
    ] = 2000


class ContextSettings(msgspec.Struct, frozen=True):
    """What the model sees besides the text around the cursor."""

    max_tokens: Annotated[
        int, Meta(ge=0, le=16384, description="The most tokens of neighbouring files in a prompt; 0: none.")
    ] = 512
    index: Annotated[
        bool,
        Meta(
            description="Know what all files of the workspace define, from an index in your cache folder; off: only "
            "open files are used."
        ),
    ] = True
    suffix_share: Annotated[
        float, Meta(ge=0.0, le=0.9, description="Share of the window for the text after the cursor.")
    ] = 0.25


class ChatSettings(msgspec.Struct, frozen=True):
    """Which model answers questions, and how long it stays."""

    model: Annotated[
        str,
        Meta(
            description="An instruct model for `infill chat`, named as `model` is; empty: the completion model answers "
            "too. One of its own is loaded when it is first asked."
        ),
    ] = ""
    max_tokens: Annotated[int, Meta(ge=1, le=1 << 20, description="The most tokens an answer has.")] = 512
    unload_after_minutes: Annotated[
        float,
        Meta(
            ge=0,
            le=100_000,
            description="Free the memory of the model set here when nothing was asked of it for so long; 0: never.",
        ),
    ] = 10.0


class EngineSettings(msgspec.Struct, frozen=True):
    """How the model is run."""

    mode: Annotated[
        Literal["shared", "private"],
        Meta(
            description="One engine for every editor and window that wants the same model, or one for each. What "
            "`infill` runs on the command line is always private."
        ),
    ] = "shared"
    context_tokens: Annotated[
        int,
        Meta(ge=0, le=1 << 20, description="The most tokens of prompt and answer; 0: chosen for the model."),
    ] = 0
    cache_tokens: Annotated[
        int, Meta(ge=0, le=1 << 22, description="Size of the KV cache all documents share; 0: chosen.")
    ] = 0
    host_cache_mib: Annotated[
        int,
        Meta(
            ge=-1,
            le=1 << 20,
            description="Host memory for documents moved out of the cache, so that coming back to them is quick; "
            "0: none, -1: chosen.",
        ),
    ] = -1
    cache_type: Annotated[
        Literal["auto", "f16", "q8_0"],
        Meta(description="Number format of the KV cache; `auto`: f16, or q8_0 where memory is short."),
    ] = "auto"
    threads: Annotated[int, Meta(ge=0, le=1024, description="CPU threads; 0: one a physical core.")] = 0
    gpu_layers: Annotated[
        int,
        Meta(ge=-1, le=1000, description="Layers on the GPU; -1: as many as fit, where llama.cpp was built for one."),
    ] = -1
    batch_tokens: Annotated[int, Meta(ge=0, le=16384, description="The most tokens evaluated at once; 0: chosen.")] = 0
    flash_attention: Annotated[
        bool, Meta(description="Use flash attention; without it every document in the cache slows the others.")
    ] = True
    drafts: Annotated[bool, Meta(description="Guess tokens ahead where that is quicker; the text is the same.")] = True
    draft_model: Annotated[
        str,
        Meta(
            description="A much smaller model of the same vocabulary that guesses tokens ahead where nothing that was "
            "read or written does, named as `model` is; empty: none."
        ),
    ] = ""
    warm_up: Annotated[
        bool, Meta(description="Prepare the next prompt while you pause; off saves a laptop's battery.")
    ] = True
    unload_after_minutes: Annotated[
        float,
        Meta(
            ge=0,
            le=100_000,
            description="Free the completion model's memory when nothing was asked of it for so long; the next request "
            "loads it again. 0: never.",
        ),
    ] = 0.0


class RemoteSettings(msgspec.Struct, frozen=True):
    """An engine elsewhere, instead of one on this machine."""

    url: Annotated[
        str,
        Meta(
            description="Address of a llama-server, or of a server with OpenAI's `/v1/completions` (vLLM, SGLang, "
            "Ollama): text around your cursor and of other files goes there. Only your own settings can name one."
        ),
    ] = ""
    api: Annotated[
        Literal["auto", "llama-server", "openai"],
        Meta(description="What it speaks; `auto`: llama-server's own if it is one."),
    ] = "auto"
    model: Annotated[str, Meta(description="Which of its models; empty: the only one it has.")] = ""
    credentials: Annotated[
        Literal["environment", "keyring"],
        Meta(
            description=(
                "Where its token is: `INFILL_REMOTE_TOKEN`, or your keyring "
                "(`lsp_server/engine/client/remote/README.md`)."
            )
        ),
    ] = "environment"
    format: Annotated[str, Meta(description="The family of that model, by whose markers it is prompted.")] = "deepseek"


class Settings(msgspec.Struct, frozen=True):
    """Everything a user can set."""

    model: Annotated[
        str,
        Meta(
            description="A name of `infill models list`, a file on the hub as `OWNER/REPOSITORY:FILE`, or a path of a "
            "GGUF; empty: the embedded model."
        ),
    ] = ""
    completion: CompletionSettings = CompletionSettings()
    context: ContextSettings = ContextSettings()
    actions: Annotated[bool, Meta(description="Offer code actions: write a body, its documentation, an import.")] = True
    chat: ChatSettings = ChatSettings()
    engine: EngineSettings = EngineSettings()
    remote: RemoteSettings = RemoteSettings()
    statistics: Annotated[
        bool, Meta(description="Count what is shown and accepted, for `infill stats`; it stays on this machine.")
    ] = True


def _known_keys(kind: type[msgspec.Struct] = Settings, prefix: str = "") -> dict[str, Any]:
    """Every dotted key and its type."""
    keys: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        key = prefix + field.name
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            keys |= _known_keys(field.type, key + ".")
        else:
            keys[key] = field.type
    return keys


KEYS = _known_keys()


def json_schema() -> dict[str, Any]:
    """JSON schema of the settings, from which documentation and editor settings are made."""
    return msgspec.json.schema(Settings)
