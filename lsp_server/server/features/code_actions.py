"""Doing a code action: from what was offered to an edit of the workspace, or to a text to read."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from lsp_server.actions import instruct, writing
from lsp_server.actions.offers import Kind, Offer, hole_of, whole_lines
from lsp_server.actions.selection import text_between
from lsp_server.base.errors import ActionError, ModelError
from lsp_server.prompt.chat import Message
from lsp_server.server.client.edits import ON_DISK, edit_to_lsp, new_file_to_lsp
from lsp_server.server.client.progress import WorkProgress
from lsp_server.text.document import Document, Position
from lsp_server.text.secrets import is_secret_name
from lsp_server.text.workspace import file_uri, path_of, read_source

if TYPE_CHECKING:
    from lsp_server.server.main import InfillServer

HEAD_LINES = 40
_NOT_STARTED = "infill is still starting. Try again in a moment."
_NOTHING = "The model wrote nothing for this place."
_HIDDEN = "This is a file that usually holds secrets: infill gives nothing of it to a model."


class Chosen(msgspec.Struct, frozen=True):
    """An action that was offered, as it goes to the client and comes back: the document's version, a range in code
    points, and what the kind of action needs."""

    kind: Kind
    uri: str
    version: int
    start: tuple[int, int]
    end: tuple[int, int]
    name: str = ""
    instruction: str = ""
    problems: list[tuple[int, str]] = []

    @property
    def offer(self) -> Offer:
        """The place it was offered for."""
        return Offer(self.kind, Position(*self.start), Position(*self.end), self.name)


class Actor:
    """Does actions for one server. Every failure is an `InfillError` whose sentence is for the user."""

    def __init__(self, server: InfillServer) -> None:
        self._server = server

    def chat_problem(self) -> str:
        """Why no instruct model can be asked; empty if one can."""
        if not self._server.settings.chat.model:
            return "No instruct model is set. Set chat.model, for example to deepseek-coder-1.3b-instruct."
        if self._server.engines is None:
            return _NOT_STARTED
        try:
            self._server.engines.require_chat()
        except ModelError as error:
            return str(error)
        return ""

    async def edit(self, chosen: Chosen) -> types.WorkspaceEdit:
        """The edit that an action makes, with progress that the user can stop."""
        document = self._document(chosen)
        async with self._progress(chosen) as progress:
            if chosen.kind in ("fix", "edit"):
                edit = await self._change(document, chosen, progress)
            elif chosen.kind == "test":
                edit = await self._tests(document, chosen, progress)
            else:
                edit = await self._infill(document, chosen)
        self._document(chosen)  # what was written for another text would be wrong in this one
        return edit

    async def explain(self, chosen: Chosen) -> str:
        """What an instruct model says of a range."""
        document, offer = self._document(chosen), chosen.offer
        source = writing.source_of(document)
        messages = instruct.explain_messages(source, offer.start, offer.end, document.path)
        async with self._progress(chosen) as progress:
            text = await self._chat(messages, progress)
        await self._show(text)
        return text

    # By infilling

    async def _infill(self, document: Document, chosen: Chosen) -> types.WorkspaceEdit:
        pipeline = self._server.pipeline
        if pipeline is None:
            raise ActionError(_NOT_STARTED)
        workspace = self._server.documents
        neighbours = partial(workspace.neighbours, document.uri)
        if chosen.kind == "import":
            others = workspace.texts_in_same_language(document.uri)
            hole, text = await writing.import_line(pipeline, document, chosen.name, neighbours, others)
        else:
            found = hole_of(writing.source_of(document), chosen.offer)
            if found is None:
                raise ActionError("What this action was offered for is no longer there.")
            hole, text = found, await writing.fill(pipeline, document, found, neighbours)
        if not text:
            raise ActionError(_NOTHING)
        return edit_to_lsp(document, hole.start, hole.end, text, self._server.encoding, self._server.edit_client)

    # By instruction

    async def _change(self, document: Document, chosen: Chosen, progress: WorkProgress) -> types.WorkspaceEdit:
        source = writing.source_of(document)
        start, end = whole_lines(source, chosen.offer.start, chosen.offer.end)
        if chosen.kind == "fix":
            messages = instruct.fix_messages(source, start, end, document.path, chosen.problems)
        else:
            messages = instruct.edit_messages(source, start, end, document.path, chosen.instruction)
        standing = text_between(source, start, end)
        text = instruct.indented_like(instruct.code_of(await self._chat(messages, progress)), standing)
        if text == standing:
            raise ActionError("The model would change nothing.")
        return edit_to_lsp(document, start, end, text, self._server.encoding, self._server.edit_client)

    async def _tests(self, document: Document, chosen: Chosen, progress: WorkProgress) -> types.WorkspaceEdit:
        source, offer = writing.source_of(document), chosen.offer
        uri = self.tests_uri(document)
        existing = self._test_document(uri) if uri else document
        messages = instruct.messages_for_tests(
            source, offer.start, offer.end, document.path, _head(existing) if uri and existing else ""
        )
        code = instruct.code_of(await self._chat(messages, progress))
        if not code.strip():
            raise ActionError(_NOTHING)
        if existing is None:
            return new_file_to_lsp(uri, code + "\n")
        end = writing.end_of(existing)
        separator = "\n" if end.character == 0 else "\n\n"
        return edit_to_lsp(existing, end, end, f"{separator}{code}\n", self._server.encoding, self._server.edit_client)

    def _test_document(self, uri: str) -> Document | None:
        """The file that tests are added to, as it is open, or else on the disk; None if there is none yet."""
        workspace = self._server.documents
        path = path_of(uri)
        if (found := workspace.get(uri)) or path is None or not path.exists():
            return found
        return Document(uri, workspace.relative_path(uri), "", ON_DISK, read_source(path))

    def tests_uri(self, document: Document) -> str:
        """The document that tests of another go to; empty where they go to the end of that one."""
        path, root = path_of(document.uri), self._server.documents.root_of(document.uri)
        relative = instruct.path_of_tests(document.language_id, document.path)
        if not relative or path is None or root is None:
            return ""
        return file_uri(root / relative)

    def can_test(self, document: Document) -> bool:
        """Whether there is a place for tests: a file that is there, or one that can be created."""
        uri = self.tests_uri(document)
        target = path_of(uri)
        return not uri or self._server.edit_client.creates_files or (target is not None and target.exists())

    async def _chat(self, messages: Sequence[Message], progress: WorkProgress) -> str:
        if problem := self.chat_problem():
            raise ActionError(problem)
        assert self._server.engines is not None
        chat = self._server.settings.chat

        def report(reply: str) -> None:
            progress.report(reply.rstrip().rpartition("\n")[2][:80])

        return await writing.chat(self._server.engines.chat(), messages, chat.max_tokens, report)

    # Shared

    def _document(self, chosen: Chosen) -> Document:
        document = self._server.documents.get(chosen.uri)
        if document is None or document.version != chosen.version:
            raise ActionError("The document has changed meanwhile. Ask again.")
        if not self.may_act(document):
            raise ActionError(_HIDDEN)
        return document

    @staticmethod
    def may_act(document: Document) -> bool:
        """Whether a model may see a document, by its name."""
        return not is_secret_name(document.path)

    def _progress(self, chosen: Chosen) -> WorkProgress:
        task = asyncio.current_task()
        assert task is not None
        return WorkProgress(self._server, "action", chosen.offer.title, task.cancel)

    async def _show(self, text: str) -> None:
        """Show a text beside the user's, where the client can; else as a message."""
        if not self._server.edit_client.shows_documents:
            message = types.ShowMessageParams(type=types.MessageType.Info, message=text)
            self._server.window_show_message(message)
            return
        path = Path(tempfile.mkdtemp(prefix="infill-")) / "explanation.md"
        path.write_text(text + "\n", encoding="utf-8")
        with contextlib.suppress(JsonRpcException):  # its user has the text as the command's answer all the same
            await self._server.window_show_document_async(types.ShowDocumentParams(uri=file_uri(path)))


def _head(document: Document) -> str:
    """The beginning of a file that is added to: enough to see what it imports and how it tests."""
    return "\n".join(writing.source_of(document).lines[:HEAD_LINES])
