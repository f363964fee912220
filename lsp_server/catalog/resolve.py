"""From the `model` setting to a file and the options of the engine that runs it."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from lsp_server.engine.messages import EngineOptions
from lsp_server.settings import Settings

_EMBEDDED = "models/embedded/tiny-fim.gguf"
_FAKE = "fake"


def embedded_model() -> Path:
    """The model that ships with infill: inside the installed package, or beside it in a source checkout."""
    package = Path(str(files("lsp_server")))
    installed = package / "data" / _EMBEDDED
    return installed if installed.exists() else package.parent / _EMBEDDED


def model_path(settings: Settings, project: Path | None) -> Path:
    """The file the `model` setting names; relative ones are looked for in the project, else where infill runs."""
    if not settings.model:
        return embedded_model()
    path = Path(os.path.expanduser(settings.model))  # noqa: PTH111  (Path's raises where there is no such user)
    return path if path.is_absolute() else (project or Path.cwd()) / path


def engine_options(settings: Settings, project: Path | None) -> EngineOptions:
    """How to run the model that is set. `fake:…` names the backend of the tests, see `engine.fake_backend`."""
    if settings.model.split(":")[0] == _FAKE:
        return EngineOptions(model_path=settings.model, backend="fake")
    engine = settings.engine
    return EngineOptions(
        model_path=str(model_path(settings, project)),
        window_tokens=engine.window_tokens,
        cache_tokens=engine.cache_tokens,
        cache_type=engine.cache_type,
        threads=engine.threads,
        gpu_layers=engine.gpu_layers,
        batch_tokens=engine.batch_tokens,
        flash_attention=engine.flash_attention,
    )
