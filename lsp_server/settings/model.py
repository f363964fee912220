"""Settings: what a user can set, as frozen data with defaults. `lsp_server.settings.layers` reads them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from lsp_server.settings.access import MACHINE, MODEL_FILE, PREFERENCE, REMOTE, TRUST, records, setting

# The rules that end a completion and the filters that clean it. `infill complete --explain` names those that acted.
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
    "drop loop",
    "drop unfinished",
    "drop unsure",
    "drop overrun",
    "drop line below",
    "repeats above",
    "drop rest of line",
    "drop trailing space",
    "indent as the file",
    "drop blank",
]


class CompletionSettings(msgspec.Struct, frozen=True):
    """What is offered, and when."""

    enabled: Annotated[bool, setting(PREFERENCE, "Offer completions.")] = True
    disabled_languages: Annotated[
        tuple[str, ...],
        setting(PREFERENCE, "LSP language ids without completions, such as `markdown`."),
    ] = ()
    menu: Annotated[
        Literal["auto", "always", "manual", "never"],
        setting(
            PREFERENCE,
            "When the completion menu has items from infill. `auto`: only in editors without ghost text. `manual`: "
            "only when you open the menu yourself.",
            was="popup",
        ),
    ] = "auto"
    menu_wait_ms: Annotated[
        int,
        setting(
            PREFERENCE,
            "How long the completion menu waits for infill before it opens without it, in milliseconds. A late answer "
            "is kept for the next keystroke. 0: no limit.",
            ge=0,
            le=60_000,
            was="popup_wait_ms",
        ),
    ] = 300
    multi_line: Annotated[
        Literal["auto", "always", "never"],
        setting(
            PREFERENCE,
            "Offer completions of several lines. `auto`: only where nothing follows the cursor on its line, and "
            "inside an empty block, as between `{` and `}`.",
        ),
    ] = "auto"
    max_lines: Annotated[int, setting(PREFERENCE, "Maximum number of lines in a completion.", ge=1, le=200)] = 12
    max_tokens: Annotated[int, setting(PREFERENCE, "Maximum number of tokens in a completion.", ge=1, le=2048)] = 64
    alternatives: Annotated[
        int,
        setting(PREFERENCE, "How many different completions to look for when you ask for ghost text.", ge=1, le=8),
    ] = 3
    speculative: Annotated[
        bool,
        setting(
            PREFERENCE,
            "Write the next completion while you read this one, so that it is ready when you accept. "
            "It needs `engine.warm_up`.",
            was="look_ahead",
        ),
    ] = True
    confidence: Annotated[
        float,
        setting(
            PREFERENCE,
            "Hide the part of a completion that the model is unsure of: a line ends where its probability falls below "
            "this. Lower shows more and errs more; 0 shows all. Explicit requests ignore it. The default was "
            "measured on the built-in model (`tests/eval/README.md`); better models need less.",
            ge=0.0,
            le=1.0,
        ),
    ] = 0.2
    switched_off_rules: Annotated[
        tuple[RuleName, ...],
        setting(
            PREFERENCE,
            "Post-processing rules that are not applied. `infill complete --explain` names the rules that cut or "
            "changed a completion.",
            renamed_values={"drop run on": "drop overrun"},
        ),
    ] = ()
    debounce_ms: Annotated[
        int,
        setting(
            PREFERENCE,
            "How long to wait for the next keystroke before asking the model, in milliseconds. The wait is shorter "
            "where answers take less than that.",
            ge=0,
            le=5000,
        ),
    ] = 30
    prefill_budget_ms: Annotated[
        int,
        setting(
            PREFERENCE,
            "Time limit for reading the prompt while you type, in milliseconds. If the full prompt would take longer, "
            "infill sends a shorter one and loads the rest when you pause. 0: no limit.",
            ge=0,
            le=600_000,
            was="patience_ms",
        ),
    ] = 2000


class ContextSettings(msgspec.Struct, frozen=True):
    """What the model sees besides the text around the cursor."""

    max_tokens: Annotated[
        int,
        setting(PREFERENCE, "Maximum number of tokens from other files in a prompt. 0: none.", ge=0, le=16384),
    ] = 512
    index: Annotated[
        bool,
        setting(
            PREFERENCE,
            "Index what all files of the workspace define, in your cache folder. If off, infill uses only the files "
            "you opened.",
        ),
    ] = True
    suffix_share: Annotated[
        float,
        setting(PREFERENCE, "Share of the context length for the text after the cursor.", ge=0.0, le=0.9),
    ] = 0.25


class ChatSettings(msgspec.Struct, frozen=True):
    """Which model answers questions, and how long it stays in memory."""

    model: Annotated[
        str,
        setting(
            MODEL_FILE,
            "The instruct model for `infill chat` and for code actions that need one, named as `model` is. It is "
            "loaded at its first request. Empty: the completion model answers.",
        ),
    ] = ""
    max_tokens: Annotated[int, setting(PREFERENCE, "Maximum number of tokens in an answer.", ge=1, le=1 << 20)] = 512
    unload_after_minutes: Annotated[
        float,
        setting(
            PREFERENCE,
            "Unload `chat.model` after so many minutes without a request. 0: never.",
            ge=0,
            le=100_000,
            was="idle_minutes",
        ),
    ] = 10.0


class EngineSettings(msgspec.Struct, frozen=True):
    """How the model is run."""

    mode: Annotated[
        Literal["shared", "private"],
        setting(
            MACHINE,
            "`shared`: one engine for all editors and windows that use the same model. `private`: one engine each. "
            "The command line always uses a private one.",
        ),
    ] = "shared"
    context_tokens: Annotated[
        int,
        setting(
            MACHINE,
            "Context length: the maximum number of tokens of a prompt and its answer. 0: chosen for the model.",
            ge=0,
            le=1 << 20,
            was="window_tokens",
        ),
    ] = 0
    cache_tokens: Annotated[
        int,
        setting(
            MACHINE,
            "Size of the KV cache that all documents share, in tokens. 0: chosen for the machine.",
            ge=0,
            le=1 << 22,
        ),
    ] = 0
    host_cache_mib: Annotated[
        int,
        setting(
            MACHINE,
            "RAM for the KV cache of files you switched away from, in MiB. 0: none. -1: chosen for the machine.",
            ge=-1,
            le=1 << 20,
            was="saved_mebibytes",
        ),
    ] = -1
    cache_type: Annotated[
        Literal["auto", "f16", "q8_0"],
        setting(MACHINE, "Number format of the KV cache. `auto`: `f16`, or `q8_0` where memory is short."),
    ] = "auto"
    threads: Annotated[int, setting(MACHINE, "Number of CPU threads. 0: one per physical core.", ge=0, le=1024)] = 0
    gpu_layers: Annotated[
        int,
        setting(
            MACHINE,
            "Number of layers on the GPU; the output layer counts as one. "
            "-1: as many as fit, if llama.cpp was built for a GPU.",
            ge=-1,
            le=1000,
        ),
    ] = -1
    batch_tokens: Annotated[
        int,
        setting(
            MACHINE,
            "Maximum number of tokens in one batch (llama.cpp's `n_batch`). 0: chosen for the machine.",
            ge=0,
            le=16384,
        ),
    ] = 0
    flash_attention: Annotated[
        bool,
        setting(MACHINE, "Use flash attention. Without it, every document in the cache slows down the others."),
    ] = True
    drafts: Annotated[
        bool,
        setting(MACHINE, "Speculative decoding: guess tokens where that is faster. The text stays the same."),
    ] = True
    warm_up: Annotated[
        bool,
        setting(MACHINE, "Prefill the next prompt while you pause. Switch it off to save a laptop's battery."),
    ] = True
    unload_after_minutes: Annotated[
        float,
        setting(
            MACHINE,
            "Unload the completion model after so many minutes without a request. The next request loads it again. 0: "
            "never.",
            ge=0,
            le=100_000,
            was="idle_minutes",
        ),
    ] = 0.0


class RemoteSettings(msgspec.Struct, frozen=True):
    """A remote engine, instead of one on this machine."""

    url: Annotated[
        str,
        setting(
            REMOTE,
            "Address of a remote engine: a llama-server, or a server with OpenAI's `/v1/completions` (vLLM, SGLang, "
            "Ollama). Text around your cursor and from other files is sent there.",
        ),
    ] = ""
    api: Annotated[
        Literal["auto", "llama-server", "openai"],
        setting(REMOTE, "The protocol of the remote engine. `auto`: llama-server's own if it is one."),
    ] = "auto"
    model: Annotated[str, setting(REMOTE, "Which of the remote engine's models to use. Empty: its only one.")] = ""
    credentials: Annotated[
        Literal["environment", "keyring"],
        setting(
            REMOTE,
            "Where the remote engine's token is: in `INFILL_REMOTE_TOKEN`, or in your keyring "
            "(`lsp_server/engine/client/remote/README.md`).",
        ),
    ] = "environment"
    format: Annotated[
        str,
        setting(REMOTE, "The FIM family of the remote model. Its markers are put into the prompt."),
    ] = "deepseek"


class Settings(msgspec.Struct, frozen=True):
    """Everything a user can set."""

    model: Annotated[
        str,
        setting(
            MODEL_FILE,
            "The model that completes code: a name from `infill models list`, a file on the hub as "
            "`OWNER/REPOSITORY:FILE`, or the path of a GGUF. Empty: the small built-in model.",
        ),
    ] = ""
    completion: CompletionSettings = CompletionSettings()
    context: ContextSettings = ContextSettings()
    actions: Annotated[
        bool,
        setting(PREFERENCE, "Offer code actions, such as writing a body, its documentation or an import."),
    ] = True
    chat: ChatSettings = ChatSettings()
    engine: EngineSettings = EngineSettings()
    remote: RemoteSettings = RemoteSettings()
    statistics: Annotated[
        bool,
        setting(
            PREFERENCE, "Count shown and accepted completions for `infill stats`. The counts stay on this machine."
        ),
    ] = True
    trusted_folders: Annotated[
        tuple[str, ...],
        setting(
            TRUST,
            "Folders whose projects may choose models and set `engine.*`, such as `~/work`. Subfolders count too.",
        ),
    ] = ()


# Every setting by its dotted key, such as `completion.max_lines`.
SETTINGS = records(Settings())
OLD_KEYS = {each.old_key: key for key, each in SETTINGS.items() if each.old_key}


def json_schema() -> dict[str, Any]:
    """JSON schema of the settings, from which documentation and editor settings are made."""
    return msgspec.json.schema(Settings)
