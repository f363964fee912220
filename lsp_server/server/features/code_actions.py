"""Running a code action: from the data that was offered to a workspace edit, or to a text to read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import platformdirs
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.actions import instruct, replies, writing
from lsp_server.actions.candidates import CodeActionCandidate, Kind, replace_range_of, whole_lines
from lsp_server.actions.selection import text_between
from lsp_server.actions.source import Source
from lsp_server.base.errors import ActionError, InfillError, ModelError
from lsp_server.completion.pipeline import HELD_BACK
from lsp_server.context.gate import may_write
from lsp_server.context.retrieval import Retrieval
from lsp_server.prompt.chat import Message
from lsp_server.server.client.client import Client
from lsp_server.server.client.command_args import read_argument
from lsp_server.server.client.edits import ON_DISK, edit_to_lsp, new_file_to_lsp
from lsp_server.server.client.progress import WorkProgress
from lsp_server.server.documents import Documents
from lsp_server.server.features.engines import EngineHost
from lsp_server.server.features.status import Status
from lsp_server.server.live_settings import LiveSettings
from lsp_server.text.document import Document, FrozenDocument, Position
from lsp_server.text.excerpts import Neighbour
from lsp_server.text.secrets import has_secret, is_secret_name
from lsp_server.text.workspace import file_uri, path_of, read_source

HEAD_LINES = 40
_REQUEST_FAILED = -32803  # LSP 3.17, "ErrorCodes"
_NOT_STARTED = "infill is still starting. Try again in a moment."
_CHANGED = "The document has changed meanwhile. Ask again."
_GONE = "What this action was offered for is no longer there."
_HIDDEN = "This is a file that usually holds secrets: infill gives nothing of it to a model."


class CodeActionData(msgspec.Struct, frozen=True):
    """The `data` of a code action, which the client sends back.

    It holds the document's version, a range in code points, and what the kind of action needs.
    """

    kind: Kind
    uri: str
    version: int
    start: tuple[int, int]
    end: tuple[int, int]
    name: str = ""
    instruction: str = ""
    problems: list[tuple[int, str]] = []

    @classmethod
    def read(cls, argument: Any) -> CodeActionData:
        """The data that a client sent back. Raises `JsonRpcInvalidParams`."""
        return read_argument(argument, cls, "This is no action of infill's")

    @property
    def candidate(self) -> CodeActionCandidate:
        """The candidate that the data was made from."""
        return CodeActionCandidate(self.kind, Position(*self.start), Position(*self.end), self.name)


class CodeActionRunner:
    """Runs code actions. An action that fails raises `JsonRpcException`, after a warning to the user."""

    def __init__(
        self,
        client: Client,
        documents: Documents,
        settings: LiveSettings,
        engines: EngineHost,
        retrieval: Retrieval,
        status: Status,
    ) -> None:
        self._client = client
        self._documents = documents
        self._settings = settings
        self._engines = engines
        self._retrieval = retrieval
        self._status = status

    async def run(self, data: CodeActionData) -> Any:
        """Run an action: have the client apply its edit, or return the text that explains."""
        if data.kind == "explain":
            try:
                return await self._explain(data)
            except InfillError as error:
                raise self._failed(error) from None
        if not self._client.capabilities.edits.applies_edits:
            raise self._failed(ActionError("This editor applies no edits of a server (workspace/applyEdit)."))
        edit = await self.resolve(data)
        return {"applied": await self._client.apply_edit(edit, data.candidate.title)}

    async def resolve(self, data: CodeActionData) -> types.WorkspaceEdit:
        """The edit that an action makes."""
        try:
            with self._status.generating():
                return await self._edit(data)
        except InfillError as error:
            raise self._failed(error) from None

    def chat_problem(self) -> str:
        """Why no instruct model is available; empty if one is."""
        if not self._settings.current.chat.model:
            return "No instruct model is set. Set chat.model, for example to deepseek-coder-1.3b-instruct."
        if self._engines.manager is None:
            return _NOT_STARTED
        try:
            self._engines.manager.require_chat()
        except ModelError as error:
            return str(error)
        return ""

    def can_test(self, document: FrozenDocument) -> bool:
        """Whether there is a place for tests: a file that exists, or one that the client can create."""
        uri = tests_uri(document)
        target = path_of(uri)
        return not uri or self._client.capabilities.edits.creates_files or (target is not None and target.exists())

    @staticmethod
    def is_allowed(document: FrozenDocument) -> bool:
        """Whether a model may see a document, by its name."""
        return not is_secret_name(document.place.path, *document.place.names)

    def _failed(self, error: InfillError) -> JsonRpcException:
        """The error that answers the request. Editors hide it, so the user is warned too."""
        self._client.messages.show(types.MessageType.Warning, f"infill: {error}")
        return JsonRpcException(str(error), _REQUEST_FAILED)

    async def _require_sendable(self, document: FrozenDocument) -> None:
        """Refuse to send a document that holds a secret to a remote chat model. The pipeline does so for completion."""
        manager = None if self.chat_problem() else self._engines.manager
        if manager is None or not manager.chat().options.remote:
            return
        if await asyncio.to_thread(has_secret, "\n".join(document.lines), document.path):
            raise ActionError(HELD_BACK.format(path=document.path))

    async def _edit(self, data: CodeActionData) -> types.WorkspaceEdit:
        """An action's edit, with progress that the user can stop."""
        document = self._document(data)
        async with self._progress(data) as progress:
            self._require_current(document)  # the client was waited for
            if data.kind in ("fix", "edit"):
                edit = await self._change(document, data, progress)
            elif data.kind == "test":
                edit = await self._tests(document, data, progress)
            else:
                edit = await self._infill(document, data)
        self._require_current(document)
        return edit

    async def _explain(self, data: CodeActionData) -> str:
        """What an instruct model says about a range."""
        document, candidate = self._document(data), data.candidate
        await self._require_sendable(document)
        source = writing.source_of(document)
        messages = instruct.explain_messages(source, candidate.start, candidate.end, document.path)
        async with self._progress(data) as progress:
            text = await self._chat(messages, progress)
        await self._show(text)
        return text

    # By infilling

    async def _infill(self, document: FrozenDocument, data: CodeActionData) -> types.WorkspaceEdit:
        self._engines.heal()
        pipeline = self._engines.pipeline_for(document.uri)
        if pipeline is None:
            raise ActionError(_NOT_STARTED)
        neighbours = partial(self._documents.neighbours, document.uri)
        if data.kind == "import":
            open_ones = [each for each in neighbours() if each.is_open and each.language_id == document.language_id]
            others = await self._retrieval.admit(open_ones)
            place, text = await writing.import_line(pipeline, document, data.name, neighbours, others)
        else:
            source = writing.source_of(document)
            found = replace_range_of(source, data.candidate)
            if found is None:
                raise ActionError(_GONE)
            place, text = found, await writing.fill(pipeline, document, found, neighbours)
            if data.kind == "rewrite":
                await asyncio.to_thread(replies.refuse_prose, source, place.start, place.end, text)
        if not text.strip():
            raise ActionError(replies.NOTHING)
        return self._edit_to_lsp(document, place.start, place.end, text)

    # By instruction

    async def _change(
        self, document: FrozenDocument, data: CodeActionData, progress: WorkProgress
    ) -> types.WorkspaceEdit:
        await self._require_sendable(document)
        source = writing.source_of(document)
        start, end = whole_lines(source, data.candidate.start, data.candidate.end)
        if data.kind == "fix":
            messages = instruct.fix_messages(source, start, end, document.path, data.problems)
        else:
            messages = instruct.edit_messages(source, start, end, document.path, data.instruction)
        text = await self._code(messages, progress, source, (start, end))
        if text == text_between(source, start, end):
            raise ActionError("The model would change nothing.")
        return self._edit_to_lsp(document, start, end, text)

    async def _tests(
        self, document: FrozenDocument, data: CodeActionData, progress: WorkProgress
    ) -> types.WorkspaceEdit:
        await self._require_sendable(document)
        source, candidate = writing.source_of(document), data.candidate
        uri = tests_uri(document)
        await self._refuse_ignored(document, uri)
        existing = self._test_document(document, uri) if uri else document
        shown = await self._head(existing, str(document.root)) if uri and existing else ""
        messages = instruct.messages_for_tests(source, candidate.start, candidate.end, document.path, shown)
        target = writing.source_of(existing) if existing else Source(document.language_id, ("",))
        end = writing.end_of(target)
        code = await self._code(messages, progress, target, (end, end))
        if existing is None:
            return new_file_to_lsp(uri, code + "\n")
        if uri and self._test_document(document, uri) != existing:
            raise ActionError("The file of the tests has changed meanwhile. Ask again.")
        separator = "\n" if end.character == 0 else "\n\n"
        return self._edit_to_lsp(existing, end, end, f"{separator}{code}\n")

    async def _refuse_ignored(self, document: FrozenDocument, uri: str) -> None:
        """Refuse to write tests into a file that is ignored or usually holds secrets."""
        path = path_of(uri)
        if document.root and path and not await asyncio.to_thread(may_write, document.root, path):
            name = self._documents.relative_path(uri)
            raise ActionError(f"The tests would go to {name}, which is ignored or usually holds secrets.")

    async def _head(self, document: FrozenDocument, root: str) -> str:
        """The beginning of a file that tests are added to: its imports and its style.

        It is empty if the file may not be shown, by the rules of the workspace folder `root`.
        """
        place, text = document.place, "\n".join(document.lines)
        neighbour = Neighbour(place.path, document.language_id, text, 0, root=root, names=place.names)
        admitted = await self._retrieval.admit([neighbour])
        return "\n".join(admitted[0].text.split("\n")[:HEAD_LINES]) if admitted else ""

    def _test_document(self, document: FrozenDocument, uri: str) -> FrozenDocument | None:
        """The file that a document's tests are added to, as it is open or on disk; None if it does not exist."""
        path = path_of(uri)
        if (found := self._documents.frozen(uri)) or path is None or not path.exists():
            return found
        there = partial(self._documents.place_of, uri)
        return Document(uri, there, document.language_id, ON_DISK, read_source(path)).frozen()

    async def _code(
        self, messages: Sequence[Message], progress: WorkProgress, source: Source, place: tuple[Position, Position]
    ) -> str:
        """The code that replaces a range. A reply without a fence that is refused is asked for once more."""
        reply = await self._chat(messages, progress)
        try:
            return await asyncio.to_thread(replies.code_of, reply, source, *place)
        except ActionError:
            if not reply.strip() or replies.fenced_block(reply) is not None:
                raise
        reply = await self._chat([*messages, *instruct.ask_for_a_fence(reply)], progress)
        return await asyncio.to_thread(replies.code_of, reply, source, *place)

    async def _chat(self, messages: Sequence[Message], progress: WorkProgress) -> str:
        if problem := self.chat_problem():
            raise ActionError(problem)
        assert self._engines.manager is not None

        def report(reply: str) -> None:
            progress.report(reply.rstrip().rpartition("\n")[2][:80])

        max_tokens = self._settings.current.chat.max_tokens
        return await writing.chat(self._engines.manager.chat(), messages, max_tokens, report)

    # Shared

    def _document(self, data: CodeActionData) -> FrozenDocument:
        """The document of an action, frozen now. All of the action works on it."""
        document = self._documents.frozen(data.uri)
        if document is None or document.version != data.version:
            raise ActionError(_CHANGED)
        if not self.is_allowed(document):
            raise ActionError(_HIDDEN)
        # A document that was opened again may have the version that it had before.
        if not _is_inside(document, data.start) or not _is_inside(document, data.end) or data.start > data.end:
            raise ActionError(_CHANGED)
        return document

    def _require_current(self, document: FrozenDocument) -> None:
        """Raise `ActionError` if a document is no longer as it was frozen."""
        if not self._documents.is_current(document):
            raise ActionError(_CHANGED)

    def _edit_to_lsp(self, document: FrozenDocument, start: Position, end: Position, text: str) -> types.WorkspaceEdit:
        return edit_to_lsp(document, start, end, text, self._client.encoding, self._client.capabilities.edits)

    def _progress(self, data: CodeActionData) -> WorkProgress:
        task = asyncio.current_task()
        assert task is not None
        return WorkProgress(self._client, "action", data.candidate.title, task.cancel)

    async def _show(self, text: str) -> None:
        """Show a text in a document of its own, or as a message where the client cannot open one."""
        if self._client.capabilities.edits.shows_documents:
            # The command's answer has the text in any case.
            with contextlib.suppress(JsonRpcException, OSError):
                await self._client.show_document(await asyncio.to_thread(_write_explanation, text))
        else:
            self._client.messages.show(types.MessageType.Info, text)


def tests_uri(document: FrozenDocument) -> str:
    """The document that tests of another go to; empty where they go to the end of that one."""
    relative = instruct.path_of_tests(document.language_id, document.path)
    if not relative or document.root is None or path_of(document.uri) is None:
        return ""
    return file_uri(document.root / relative)


def _is_inside(document: FrozenDocument, place: tuple[int, int]) -> bool:
    """Whether a document has a line and a character of it."""
    line, character = place
    return 0 <= line < document.num_lines and 0 <= character <= len(document.line(line))


def _write_explanation(text: str) -> Path:
    """The file that has an explanation. There is one for the user: the next explanation replaces its text."""
    path = platformdirs.user_cache_path("infill", ensure_exists=True) / "explanation.md"
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")
    return path
