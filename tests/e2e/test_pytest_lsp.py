"""The same server through a client that is not ours."""

import os
import sys

import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient

from tests.raw_client import NO_SETTINGS, SERVE
from tests.waiting import eventually

URI = "file:///project/a.py"
TEXT = "def add(a, b):\n    ret"
SETTINGS = {"completion": {"max_tokens": 24, "menu": "always", "confidence": 0}, "engine": {"threads": 1}}
CURSOR = types.Position(1, 7)


CONFIG = ClientServerConfig([sys.executable, "-X", "utf8", *SERVE], server_env={**os.environ, **NO_SETTINGS})


@pytest_lsp.fixture(config=CONFIG)
async def client(lsp_client: LanguageClient):
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=types.ClientCapabilities(
                text_document=types.TextDocumentClientCapabilities(
                    inline_completion=types.InlineCompletionClientCapabilities()
                ),
                window=types.WindowClientCapabilities(work_done_progress=True),
                workspace=types.WorkspaceClientCapabilities(configuration=True),
            ),
            initialization_options=SETTINGS,
        )
    )
    yield
    await lsp_client.shutdown_session()
    assert lsp_client._server.returncode == 0


async def ready(client):
    await eventually(lambda: any("is ready" in message.message for message in client.log_messages))


def open_document(client, text=TEXT):
    item = types.TextDocumentItem(uri=URI, language_id="python", version=1, text=text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(item))


def inline_params(position=CURSOR):
    return types.InlineCompletionParams(
        text_document=types.TextDocumentIdentifier(URI),
        position=position,
        context=types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
    )


async def test_both_kinds_of_completion(client: LanguageClient):
    await ready(client)
    open_document(client)
    ghost_text = await client.text_document_inline_completion_async(inline_params())
    (item,) = ghost_text.items
    assert item.insert_text
    assert item.range == types.Range(CURSOR, CURSOR)
    params = types.CompletionParams(text_document=types.TextDocumentIdentifier(URI), position=CURSOR)
    menu = await client.text_document_completion_async(params)
    (item,) = menu.items
    assert menu.is_incomplete
    assert item.text_edit.new_text.startswith("ret")
    assert item.text_edit.range == types.Range(types.Position(1, 4), CURSOR)
    ((*_, last),) = client.progress_reports.values()
    assert isinstance(last, types.WorkDoneProgressEnd)
    assert not client.messages


async def test_edits_commands_and_settings(client: LanguageClient):
    await ready(client)
    open_document(client, "")
    start = types.Position(0, 0)
    change = types.TextDocumentContentChangePartial(range=types.Range(start, start), text=TEXT)
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(uri=URI, version=2), [change])
    )
    assert (await client.text_document_inline_completion_async(inline_params())).items
    trace = await client.workspace_execute_command_async(types.ExecuteCommandParams("infill.explainLast", [True]))
    assert "<｜fim▁end｜>    ret" in trace

    client.set_configuration({"completion": {"enabled": False}}, section="infill")
    client.workspace_did_change_configuration(types.DidChangeConfigurationParams(None))

    async def is_off():
        return await client.text_document_inline_completion_async(inline_params()) is None

    await eventually(is_off)
    assert not client.messages
