"""How an engine process is started, found and watched while it loads a model."""

from __future__ import annotations

from typing import Literal

import msgspec

from lsp_server.ipc.model_info import ModelInfo

CLIENT_HEADER = "Infill-Client"  # tells the documents of one client of a shared engine from those of others


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """A model is being loaded; `fraction` runs from 0 to 1."""

    fraction: float


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The model is ready."""

    model: ModelInfo


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    """The model cannot serve. `kind` names the class in `lsp_server.base.errors`, `message` is for the user."""

    kind: str
    message: str


LoadEvent = Loading | Loaded | LoadFailed


class Remote(msgspec.Struct, frozen=True):
    """A server elsewhere: its address, what it speaks, which of its models is asked, and that model's format.

    `markers` are the texts of the format's marker roles, which a server does not tell. `credentials` is where its token
    is; the token itself goes through no message.
    """

    url: str
    api: Literal["auto", "llama-server", "openai"]
    model: str
    format: str
    markers: dict[str, str]
    credentials: Literal["environment", "keyring"] = "environment"


class EngineOptions(msgspec.Struct, frozen=True):
    """How an engine runs a model; zero, empty and `auto` let the engine choose, and so do -1 layers and bytes.

    A model that only chats need not be able to infill; others are refused if they cannot. `chat_template` is for a
    model whose file has none. With `remote` nothing is run here, and only `context_tokens` counts. `draft_model_path`
    is that of a small model that guesses for this one; `notes` are sentences for the user, told with the model's own.
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
    draft_model_path: str = ""
    notes: tuple[str, ...] = ()


class Launch(msgspec.Struct, frozen=True):
    """The one line an engine process reads from standard input before it starts.

    An engine of one server ends when its standard input does. With `idle_shutdown_s` it is shared: it ends that long
    after its last client has left, and `record` is the file that it is found by, which it deletes when it ends. It
    ends, too, when one of its steps takes longer than `stuck_s`.
    """

    token: str
    options: EngineOptions
    idle_shutdown_s: float = 0.0
    record: str = ""
    stuck_s: float = 300.0  # far beyond the slowest step there is: a slice of 64 tokens of a large model, on a CPU


class Record(msgspec.Struct, frozen=True):
    """What the file of a shared engine says, to those who may read it: how to reach it, and what it is."""

    pid: int
    port: int
    token: str
    version: str
    model_path: str
    started_at: float


class Listening(msgspec.Struct, frozen=True):
    """The one line an engine process writes to standard output once it can be asked."""

    port: int
