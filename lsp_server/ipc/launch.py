"""Messages that start an engine process, find a shared one, and report the loading of a model."""

from __future__ import annotations

from typing import Literal

import msgspec

from lsp_server.ipc.model_info import ModelInfo

CLIENT_HEADER = "Infill-Client"  # the name of a client of a shared engine; it keeps the clients' documents apart


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """A model is loading. `fraction` runs from 0 to 1."""

    fraction: float


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The model is ready."""

    model: ModelInfo


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    """The model cannot serve. `kind` names the class in `lsp_server.base.errors`. `message` is for the user."""

    kind: str
    message: str


LoadEvent = Loading | Loaded | LoadFailed


class Remote(msgspec.Struct, frozen=True):
    """A remote engine: address, API, model, and the model's FIM format.

    `markers` are the texts of the format's markers, because a server does not tell them. `credentials` tells where the
    token is. No message contains the token itself.
    """

    url: str
    api: Literal["auto", "llama-server", "openai"]
    model: str
    format: str
    markers: dict[str, str]
    credentials: Literal["environment", "keyring"] = "environment"


class EngineOptions(msgspec.Struct, frozen=True):
    """How to run a model. Zero, empty, `auto`, and -1 for layers and bytes let the engine choose.

    With `needs_infill`, a model without FIM markers is refused. `chat_template` is for a model whose file has none.
    With `remote` no model runs here, and only `context_tokens` counts. `notes` are sentences for the user,
    shown with the model's own.
    """

    model_path: str
    backend: Literal["llama", "fake"] = "llama"
    remote: Remote | None = None
    needs_infill: bool = True
    chat_template: str = ""
    context_tokens: int = 0
    cache_tokens: int = 0
    threads: int = 0
    gpu_layers: int = -1
    batch_tokens: int = 0
    physical_batch_tokens: int = 0
    num_sequences: int = 4
    cache_type: Literal["auto", "f16", "q8_0"] = "auto"
    flash_attention: bool = True
    host_cache_bytes: int = -1
    drafts: bool = True
    notes: tuple[str, ...] = ()


class Launch(msgspec.Struct, frozen=True):
    """The line that an engine process reads from standard input before it starts.

    A private engine ends when its standard input closes. With `idle_shutdown_s` the engine is shared, and ends that
    long after its last client has left. `record` is the file of a shared engine; the engine deletes it at its end.
    Every engine ends if one of its steps takes longer than `stuck_s`.
    """

    token: str
    options: EngineOptions
    idle_shutdown_s: float = 0.0
    record: str = ""
    stuck_s: float = 300.0  # far above the slowest step: a chunk of 64 tokens of a large model on a CPU


class SharedEngineRecord(msgspec.Struct, frozen=True):
    """The record file of a shared engine: how to reach it, and what it runs."""

    pid: int
    port: int
    token: str
    version: str
    model_path: str
    started_at: float


class Listening(msgspec.Struct, frozen=True):
    """The line that an engine process writes to standard output once it accepts requests."""

    port: int
