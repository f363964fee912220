"""The server's engines: which models the settings ask for, how they load, and the pipeline that asks them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from lsprotocol import types

from lsp_server.base.errors import InfillError, ModelError, ModelNotPulledError
from lsp_server.catalog.resolve import chat_options, embedded_model, engine_options, unlike_the_catalogue
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.switch import Switch
from lsp_server.context.retrieval import Retrieval
from lsp_server.engine.client.connect import connect_private, connect_shared
from lsp_server.engine.client.interface import EngineClient, EngineState
from lsp_server.engine.client.manager import EngineConfig, EnginesByRole, Role
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.prompt.families import family_of
from lsp_server.server.client.client import Client
from lsp_server.server.client.progress import LoadProgress
from lsp_server.server.features.model_download import prompt_download
from lsp_server.server.live_settings import LiveSettings
from lsp_server.server.tasks import BackgroundTasks
from lsp_server.settings.model import Settings

LOOK_AGAIN_S = 30.0  # for a model that is not on this machine yet: the user may get it elsewhere


class EngineHost:
    """Runs the engines that the settings ask for, and has a pipeline for each set of settings in force.

    `manager` is None until settings were applied for the first time. `on_state` receives the states of the completion
    engine.
    """

    def __init__(
        self, client: Client, settings: LiveSettings, tasks: BackgroundTasks, switch: Switch, retrieval: Retrieval
    ) -> None:
        self._client = client
        self._settings = settings
        self._tasks = tasks
        self._switch = switch
        self._retrieval = retrieval
        self.manager: EnginesByRole | None = None
        self.pipelines: dict[Settings, Pipeline] = {}
        self._planned_for: tuple[EngineClient, list[Path]] | None = None  # engine and folders of the pipelines
        self.on_state: Callable[[EngineState, str], None] = lambda _state, _message: None
        self._prompted: set[str] = set()  # the models whose download the user was asked about
        self._looking: asyncio.TimerHandle | None = None  # while the model of the settings is not here
        self._progress: dict[Role, LoadProgress] = {
            "fill": LoadProgress(client, "infill/load", "infill: loading the model"),
            "chat": LoadProgress(client, "infill/load/chat", "infill: loading the chat model"),
        }

    @property
    def model(self) -> ModelInfo | None:
        """The model that completes, None until it is loaded."""
        return self.manager.fill.model if self.manager else None

    def pipeline_for(self, uri: str) -> Pipeline | None:
        """The pipeline for a document, None until settings were applied for the first time."""
        return self.pipelines.get(self._settings.of(uri))

    def forget(self, uri: str) -> None:
        """Drop what is known of a closed document."""
        for pipeline in self.pipelines.values():
            pipeline.forget(uri)

    def follow_settings(self) -> None:
        """Restart an engine whose options have changed, and make pipelines for settings that have none."""
        current, project = self._settings.current, self._settings.project
        config = EngineConfig(
            self._fill_options(),
            lambda: chat_options(current, project),
            fill_idle_s=current.engine.unload_after_minutes * 60,
            chat_idle_s=current.chat.unload_after_minutes * 60,
            connector=connect_shared if current.engine.mode == "shared" else connect_private,
        )
        if self.manager is None:
            self.manager = EnginesByRole(config, self._on_state)
        else:
            if (config.fill, config.connector) != (self.manager.fill.options, self.manager.fill.connector):
                self._progress["fill"].end("another model")
            self.manager.reconfigure(config)
        self._make_pipelines(self.manager.fill)

    def heal(self) -> None:
        """Look again for a model that was not here, and start a failed engine again. An explicit request does this."""
        if self._looking is not None:
            self.follow_settings()
        elif self.manager is not None:
            self.manager.fill.retry()

    def _make_pipelines(self, engine: EngineClient) -> None:
        """Make a pipeline for each set of settings, or keep the one whose settings, engine and folders are the same."""
        planned_for = engine, self._settings.folders
        kept = self.pipelines if planned_for == self._planned_for else {}
        self._planned_for = planned_for
        before, self.pipelines = (
            self.pipelines,
            {
                each: kept.get(each) or Pipeline(engine, each, self._switch, self._retrieval)
                for each in (self._settings.current, *self._settings.by_folder.values())
            },
        )
        for settings, pipeline in before.items():
            if self.pipelines.get(settings) is not pipeline:
                pipeline.close()

    async def stop(self) -> None:
        """End all engines."""
        self._look_again(is_missing=False)
        if self.manager is not None:
            await self.manager.stop()

    def _fill_options(self) -> EngineOptions:
        """How to run the model of the settings, or the embedded model if that one cannot serve."""
        current, project = self._settings.current, self._settings.project
        self._look_again(is_missing=False)
        try:
            return engine_options(current, project)
        except ModelNotPulledError:
            self._prompt_download(current.model)
            self._look_again(is_missing=True)
        except ModelError as error:
            self._client.messages.notify_once(types.MessageType.Error, f"{error} The embedded model serves meanwhile.")
        return engine_options(msgspec.structs.replace(current, model=""), project)

    def _look_again(self, *, is_missing: bool) -> None:
        """Look for a missing model again after a while."""
        if self._looking is not None:
            self._looking.cancel()
        loop = asyncio.get_running_loop()
        self._looking = loop.call_later(LOOK_AGAIN_S, self.follow_settings) if is_missing else None

    def _prompt_download(self, model: str) -> None:
        if model not in self._prompted:
            self._prompted.add(model)
            prompt = prompt_download(self._client, model, self._settings.apply)
            self._tasks.track_task(asyncio.ensure_future(prompt))

    def _on_state(self, role: Role, state: EngineState, fraction: float, message: str) -> None:
        progress = self._progress[role]
        if role == "fill":
            self.on_state(state, message)
        if state is EngineState.LOADING:
            progress.report(fraction)
            return
        progress.end(state.value)
        if state is EngineState.READY and role == "fill":
            self._check_format()
        elif state is EngineState.FAILED and role == "fill":
            # The code action that needed the chat engine reports its failure.
            self._client.messages.notify_once(types.MessageType.Error, message)

    def _check_format(self) -> None:
        if (model := self.model) is None:
            return
        messages = self._client.messages
        warn = partial(messages.notify_once, types.MessageType.Warning)
        try:
            family = family_of(model)
        except InfillError as error:
            messages.notify_once(types.MessageType.Error, str(error))
            return
        if model.path != str(embedded_model()) and (
            warning := unlike_the_catalogue(self._settings.current.model, family.name)
        ):
            warn(warning)
        messages.log(f"{model.name} is ready: {model.description}, context length {model.context_tokens} tokens")
        for note in model.notes:
            warn(note)
