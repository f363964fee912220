"""From the `model` setting to a file and the options of the engine that runs it."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from lsp_server.base.errors import ModelError, ModelNotFoundError, ModelNotPulledError
from lsp_server.catalog import hub
from lsp_server.catalog.data import data_file
from lsp_server.catalog.models import HubFile, find_model, in_catalog, refuse_known
from lsp_server.ipc.launch import EngineOptions, Remote
from lsp_server.prompt.families import family_named
from lsp_server.settings.model import Settings

# With longer prompts the embedded model is worse and slower (models/embedded/README.md has figures).
EMBEDDED_CONTEXT_TOKENS = 1024

_FAKE = "fake"
_HUB_FILE = re.compile(r"([\w.-]+/[\w.-]+):(.+\.gguf)")


def embedded_model() -> Path:
    """The model that ships with infill."""
    return data_file("models/embedded/tiny-fim.gguf")


def is_path(model: str) -> bool:
    """Whether a `model` setting is a path: neither a model of the catalogue nor a file on the hub."""
    return not _HUB_FILE.fullmatch(model) and (
        model.endswith(".gguf") or "/" in model or os.sep in model or model.startswith("~")
    )


def hub_file(model: str) -> HubFile:
    """The file on the hub that is named by `NAME`, `NAME:QUANTISATION` or `OWNER/REPOSITORY:FILE`.

    Raises `ModelNotFoundError`, or `ModelCannotInfillError` for a model that can neither fill holes nor chat.
    """
    if match := _HUB_FILE.fullmatch(model):
        return HubFile(match[1], match[2])
    name, _, quantisation = model.partition(":")
    return find_model(name).file(quantisation)[1]


def model_path(settings: Settings, project: Path | None) -> Path:
    """The file that the `model` setting names. A relative path starts at the project, else where infill runs.

    Raises `ModelNotFoundError` for an unknown name, `ModelNotPulledError` for a file that is not here yet, and
    `ModelCannotInfillError` for a model that was not trained to fill holes.
    """
    return _find(settings.model, project, needs_infill=True)


def engine_options(settings: Settings, project: Path | None) -> EngineOptions:
    """How to run the completion model. `fake:…` names the tests' backend (`engine.backends.fake`).

    Raises as `model_path` does.
    """
    if settings.remote.url:
        return _remote_options(settings)
    return _options(settings, settings.model, project, needs_infill=True)


def chat_options(settings: Settings, project: Path | None) -> EngineOptions:
    """How to run the chat model, which need not be able to fill holes.

    If it is the completion model's file, these are the options of `engine_options`, so that one engine serves both.
    Raises `ModelError`.
    """
    if not settings.chat.model:
        return engine_options(settings, project)
    options = _options(settings, settings.chat.model, project, needs_infill=False)
    with contextlib.suppress(ModelError):
        fill = engine_options(settings, project)
        if os.path.realpath(fill.model_path) == os.path.realpath(options.model_path):
            return fill
    return options


def _find(model: str, project: Path | None, *, needs_infill: bool) -> Path:
    if not model:
        return embedded_model()
    if is_path(model):
        if needs_infill:
            refuse_known(Path(model).name)
        if "\0" in model or model.encode(errors="replace").decode() != model:
            raise ModelNotFoundError(f"The model's path {model!r} is no text in UTF-8. Rename the file.")
        path = Path(os.path.expanduser(model))  # noqa: PTH111  (Path's raises where there is no such user)
        return path if path.is_absolute() else (project or Path.cwd()) / path
    file = hub_file(model)
    if needs_infill:
        refuse_known(file.file)
    if here := hub.cached(file):
        return here
    raise ModelNotPulledError(f"The model {model} is not on this machine yet. Get it: infill models pull {model}")


def _chat_template(model: str) -> str:
    """The catalogue's chat template for a model, for old files that have none. Empty for a path."""
    known = None if not model or is_path(model) else in_catalog(hub_file(model))
    return known.chat_template if known else ""


def unlike_the_catalogue(model: str, fim_format: str) -> str:
    """A warning if a model's file has another FIM format than the catalogue says; else empty.

    `model` is the setting of that name. `fim_format` is the name of the family that the file's markers belong to.
    """
    known = None if not model or is_path(model) or model.startswith(_FAKE) else in_catalog(hub_file(model))
    if known is None or known.fim_format == fim_format:
        return ""
    return (
        f"{model} should have the markers of the format {known.fim_format}, and its file has those of {fim_format}: it "
        f"may be another model, or mislabelled. Pull it again: infill models rm {model}, infill models pull {model}."
    )


def _remote_options(settings: Settings) -> EngineOptions:
    remote = settings.remote
    markers = dict(family_named(remote.format).markers)
    return EngineOptions(
        model_path=remote.url,
        context_tokens=settings.engine.context_tokens,
        remote=Remote(remote.url, remote.api, remote.model, remote.format, markers, remote.credentials),
    )


def _options(settings: Settings, model: str, project: Path | None, *, needs_infill: bool) -> EngineOptions:
    if model.split(":")[0] == _FAKE:
        return EngineOptions(model_path=model, backend="fake", needs_infill=needs_infill)
    engine = settings.engine
    draft_model, notes = _draft_model(settings, project) if needs_infill else ("", ())
    return EngineOptions(
        model_path=str(_find(model, project, needs_infill=needs_infill)),
        needs_infill=needs_infill,
        chat_template=_chat_template(model),
        context_tokens=engine.context_tokens or (0 if model else EMBEDDED_CONTEXT_TOKENS),
        cache_tokens=engine.cache_tokens,
        cache_type=engine.cache_type,
        threads=engine.threads,
        gpu_layers=engine.gpu_layers,
        batch_tokens=engine.batch_tokens,
        flash_attention=engine.flash_attention,
        host_cache_bytes=engine.host_cache_mib * (1 << 20) if engine.host_cache_mib >= 0 else -1,
        drafts=engine.drafts,
        draft_model_path=draft_model,
        notes=notes,
    )


def _draft_model(settings: Settings, project: Path | None) -> tuple[str, tuple[str, ...]]:
    """The draft model's file, if one is wanted. If it cannot be had, a note says so: everything works without it."""
    name = settings.engine.draft_model if settings.engine.drafts else ""
    try:
        return (str(_find(name, project, needs_infill=False)) if name else ""), ()
    except ModelError as error:
        return "", (f"There are no guesses from the draft model. {error}",)
