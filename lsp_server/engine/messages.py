"""What travels between a language server and an engine: plain data, one module shared by both sides.

A request is one `Generate`. It is answered by at most one `Prefilled`, any number of `Chunk`s, and then exactly one
`Done` or `Failed`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec

CLIENT_HEADER = "Infill-Client"  # tells the documents of one client of a shared engine from those of others


class Priority(IntEnum):
    """Who goes first when several requests wait; smaller is sooner."""

    INTERACTIVE = 0
    ALTERNATIVES = 1
    CHAT = 2
    WARM_UP = 3


class Marker(msgspec.Struct, frozen=True, tag="marker"):
    """A control token of the model, by its role: `begin`, `prefix`, `suffix`, `middle`, `repo` or `file`."""

    role: str


class Text(msgspec.Struct, frozen=True, tag="text"):
    """A stretch of user text. It can never become control tokens, whatever it spells.

    `overflow` says what may be cut when the prompt exceeds the window: `keep_all` nothing, `keep_tail` from the
    left, `keep_head` from the right, `drop` all of it. Droppable parts go first, the earliest of them first.
    `marker` is the role of a control token ahead of the text, which is dropped with it.
    """

    text: str
    overflow: Literal["keep_all", "keep_tail", "keep_head", "drop"] = "keep_all"
    marker: str = ""


class Control(msgspec.Struct, frozen=True, tag="control"):
    """Text of the model's own chat template: control tokens in it are control tokens. Never user text."""

    text: str


PromptPart = Marker | Text | Control


class Sampling(msgspec.Struct, frozen=True):
    """How the next token is drawn; the default is greedy.

    `infill` adds llama.cpp's infill sampler, which prefers to end and merges tokens that begin the same. `confidence`
    ends the text before the token with which the joint probability since the last line break falls below it; of tokens
    that spell what was typed, the probability among those that do counts.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.0
    infill: bool = False
    seed: int = 0
    confidence: float = 0.0


class Generate(msgspec.Struct, frozen=True):
    """Ask for the text that follows `prompt` and `typed`.

    `prompt` is the anchor, up to and with the middle marker; `typed` is what was typed since and is, to the model, the
    beginning of the middle. Typing on with the same anchor costs only the typed tokens. `reserve_tokens` of the window
    are kept for typed text, so that its length does not move the anchor's cuts. `heal` lets the model finish the last
    token of `typed`. `indented`: `typed` ends in the indentation that the line is to have; no white space follows.
    With `max_tokens` 0 the prompt is only brought into the cache.

    A newer request with the same non-empty `(document, kind)` supersedes the older one. `deadline_ms` counts
    from arrival. `document` is an opaque key: engines never see paths. `logprobs` asks for `Chunk.logprob`.
    """

    prompt: tuple[PromptPart, ...]
    max_tokens: int
    typed: str = ""
    reserve_tokens: int = 0
    heal: bool = True
    indented: bool = False
    logprobs: bool = False
    document: str = ""
    kind: str = "inline"
    priority: Priority = Priority.INTERACTIVE
    sampling: Sampling = Sampling()
    deadline_ms: int | None = None


FinishReason = Literal["end", "length", "unsure", "cancelled", "superseded", "deadline"]


class Timings(msgspec.Struct):
    """Where the time of one request went. `*_ms` are milliseconds, `*_tokens` counts.

    `reused_tokens` of `prompt_tokens` were in the cache already; `decoded_tokens` were written by the model.
    `drafted_tokens` and `accepted_tokens` count tokens guessed and those that turned out right.
    """

    queue_ms: float = 0.0
    prompt_tokens: int = 0
    reused_tokens: int = 0
    prefill_ms: float = 0.0
    first_token_ms: float = 0.0
    decoded_tokens: int = 0
    drafted_tokens: int = 0
    accepted_tokens: int = 0
    decode_ms: float = 0.0
    total_ms: float = 0.0


class Prefilled(msgspec.Struct, frozen=True, tag="prefilled"):
    """The prompt is in the cache and the model begins to write; `timings` are complete up to here.

    Who stops reading before the end, because the hole is filled, has them nevertheless.
    """

    timings: Timings


class Chunk(msgspec.Struct, frozen=True, tag="chunk", omit_defaults=True):
    """The next piece of generated text, whole characters only.

    `logprob` is the natural logarithm of the probability of its tokens, where it was asked for. `drafted_tokens` and
    `accepted_tokens` are those of the timings up to here: who stops reading early has them nevertheless.
    """

    text: str
    logprob: float | None = None
    drafted_tokens: int = 0
    accepted_tokens: int = 0


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The request ended as it should, or as it was told to."""

    reason: FinishReason
    timings: Timings


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The request ended by a fault; `message` is a sentence for the user."""

    message: str


Event = Prefilled | Chunk | Done | Failed


class Parameters(msgspec.Struct, frozen=True):
    """How a model is run.

    `window_tokens` bounds prompt and answer together; `cache_tokens` is the size of the KV cache that all sequences
    share. `batch_tokens` may be handed over at once and are evaluated `physical_batch_tokens` at a time.
    `saved_bytes` of host memory are for what is moved out of the cache. `drafts`: tokens are guessed ahead.
    """

    window_tokens: int
    cache_tokens: int
    cache_type: Literal["f16", "q8_0"]
    num_sequences: int
    threads: int
    batch_tokens: int
    physical_batch_tokens: int
    gpu_layers: int
    flash_attention: bool
    saved_bytes: int
    drafts: bool = True


class ModelInfo(msgspec.Struct, frozen=True):
    """What the engine found in a model's file, and how it runs it.

    `markers` maps each role to the marker's text; the `*_bytes` are memory.
    `pre_tokeniser` is llama.cpp's name of how text is cut before it becomes tokens, empty if the file names none.
    `isolates_line_breaks` tells whether no token joins text across a line break. `can_drop_tail` is false for
    models whose memory cannot forget its newest tokens, which therefore run without reuse. `prefill_tokens_per_s`
    is how fast prompts were evaluated when the model was loaded; 0 if nobody knows. `chat_template` is in Jinja's
    language, and empty for a model that was not made for chat; `end_text` is how its end of text is spelt there.
    `working_bytes` are predicted: what llama.cpp allocates besides weights and cache. `draft_model_bytes` is all that
    the small model beside it takes. `notes` are sentences for the
    user: what was not done as the settings want it, and why. Who does not `heal` a last token is asked from the cursor.
    """

    name: str
    path: str
    description: str
    markers: dict[str, str]
    num_parameters: int
    trained_window_tokens: int
    weights_bytes: int
    cache_bytes: int
    isolates_line_breaks: bool
    can_drop_tail: bool
    prefill_tokens_per_s: float
    backend: str
    parameters: Parameters
    chat_template: str = ""
    end_text: str = ""
    pre_tokeniser: str = ""
    working_bytes: int = 0
    draft_model_bytes: int = 0
    notes: tuple[str, ...] = ()
    heals: bool = True

    @staticmethod
    def elsewhere(
        name: str, path: str, description: str, markers: dict[str, str], window_tokens: int, backend: str
    ) -> ModelInfo:
        """A model that takes no memory here, and whose speed nobody measured."""
        parameters = Parameters(
            window_tokens=window_tokens,
            cache_tokens=window_tokens,
            cache_type="f16",
            num_sequences=1,
            threads=0,
            batch_tokens=0,
            physical_batch_tokens=0,
            gpu_layers=0,
            flash_attention=True,
            saved_bytes=0,
        )
        return ModelInfo(
            name=name,
            path=path,
            description=description,
            markers=markers,
            num_parameters=0,
            trained_window_tokens=window_tokens,
            weights_bytes=0,
            cache_bytes=0,
            isolates_line_breaks=False,
            can_drop_tail=True,
            prefill_tokens_per_s=0.0,
            backend=backend,
            parameters=parameters,
        )

    @property
    def memory_bytes(self) -> int:
        """All the memory it takes, the draft model's included."""
        return self.weights_bytes + self.cache_bytes + self.working_bytes + self.draft_model_bytes

    @property
    def window_tokens(self) -> int:
        """The most tokens of a prompt and its answer."""
        return self.parameters.window_tokens

    @property
    def cache_tokens(self) -> int:
        """Cells of the KV cache."""
        return self.parameters.cache_tokens


class Loading(msgspec.Struct, frozen=True, tag="loading"):
    """A model is being loaded; `fraction` runs from 0 to 1."""

    fraction: float


class Loaded(msgspec.Struct, frozen=True, tag="loaded"):
    """The model is ready."""

    model: ModelInfo


class LoadFailed(msgspec.Struct, frozen=True, tag="load_failed"):
    """The model cannot serve. `kind` names the class in `lsp_server.errors`, `message` is for the user."""

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
    model whose file has none. With `remote` nothing is run here, and only `window_tokens` counts. `draft_model_path` is
    that of a small model that guesses for this one; `notes` are sentences for the user, told with the model's own.
    """

    model_path: str
    backend: Literal["llama", "fake"] = "llama"
    remote: Remote | None = None
    needs_infill: bool = True
    chat_template: str = ""
    window_tokens: int = 0
    cache_tokens: int = 0
    threads: int = 0
    gpu_layers: int = -1
    batch_tokens: int = 0
    physical_batch_tokens: int = 0
    num_sequences: int = 4
    cache_type: Literal["auto", "f16", "q8_0"] = "auto"
    flash_attention: bool = True
    saved_bytes: int = -1
    drafts: bool = True
    draft_model_path: str = ""
    notes: tuple[str, ...] = ()


class Launch(msgspec.Struct, frozen=True):
    """The one line an engine process reads from standard input before it starts.

    An engine of one server ends when its standard input does. With `linger_s` it is shared: it ends that long after the
    last of its clients has left, and `record` is the file that it is found by, which it deletes when it ends. It ends,
    too, when one of its steps takes longer than `stuck_s`.
    """

    token: str
    options: EngineOptions
    linger_s: float = 0.0
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
