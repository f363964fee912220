"""Whatever arrives, the server lives on, and each request is answered exactly once."""

import asyncio
import copy
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.raw_client import INLINE
from tests.server.conftest import Connection
from tests.waiting import eventually

URI = "file:///a.py"
START = {"line": 0, "character": 0}
DOCUMENT = {"uri": URI, "version": 2}
EDIT = {"range": {"start": START, "end": {"line": 1, "character": 2}}, "text": "x\ny"}
ASK = {"textDocument": {"uri": URI}, "position": START, "context": {"triggerKind": 1}}

CELL = {"uri": "vscode-notebook-cell:/a.ipynb#1", "languageId": "python", "version": 1, "text": "x"}
NOTEBOOK = {"uri": "file:///a.ipynb", "version": 1}
CELLS = [{"kind": 2, "document": CELL["uri"]}]
SPLICE = {
    "structure": {"array": {"start": 0, "deleteCount": 1, "cells": CELLS}, "didOpen": [CELL], "didClose": [CELL]},
    "textContent": [{"document": CELL, "changes": [EDIT]}],
}
ACTION = {"kind": "fill", "uri": URI, "version": 2, "start": [0, 0], "end": [0, 1]}
RANGE = {"start": START, "end": START}
DIAGNOSTICS = [{"range": RANGE, "message": "m", "severity": 1}]
CHOSEN = {"range": RANGE, "text": "x"}

TEMPLATES = (
    ("initialize", {"processId": None, "rootUri": None, "capabilities": INLINE, "workspaceFolders": []}, True),
    ("textDocument/didOpen", {"textDocument": {**DOCUMENT, "languageId": "python", "text": "a\nb"}}, False),
    ("textDocument/didChange", {"textDocument": DOCUMENT, "contentChanges": [EDIT, {"text": ""}]}, False),
    ("textDocument/didClose", {"textDocument": {"uri": URI}}, False),
    ("textDocument/inlineCompletion", ASK, True),
    ("textDocument/inlineCompletion", {**ASK, "context": {"triggerKind": 2, "selectedCompletionInfo": CHOSEN}}, True),
    ("textDocument/completion", ASK, True),
    ("textDocument/didSave", {"textDocument": {"uri": URI}, "text": "x"}, False),
    ("textDocument/codeAction", {"textDocument": {"uri": URI}, "range": RANGE, "context": {"diagnostics": DIAGNOSTICS}},
     True),
    ("codeAction/resolve", {"title": "t", "data": ACTION}, True),
    ("notebookDocument/didOpen", {"notebookDocument": {**NOTEBOOK, "notebookType": "j", "cells": CELLS},
                                  "cellTextDocuments": [CELL]}, False),
    ("notebookDocument/didChange", {"notebookDocument": NOTEBOOK, "change": {"cells": SPLICE}}, False),
    ("notebookDocument/didClose", {"notebookDocument": NOTEBOOK, "cellTextDocuments": [CELL]}, False),
    ("workspace/didChangeWatchedFiles", {"changes": [{"uri": URI, "type": 1}]}, False),
    ("workspace/didChangeWorkspaceFolders",
     {"event": {"added": [{"uri": "file:///p", "name": "p"}], "removed": [{"uri": "file:///q", "name": "q"}]}}, False),
    ("workspace/executeCommand", {"command": "infill.runAction", "arguments": [ACTION]}, True),
    ("workspace/executeCommand",
     {"command": "infill.edit", "arguments": [{"uri": URI, "range": RANGE, "instruction": "i"}]}, True),
    ("workspace/executeCommand", {"command": "infill.toggle", "arguments": [{"scope": "all", "minutes": 1}]}, True),
    ("workspace/executeCommand", {"command": "infill.partiallyAccepted", "arguments": [{"id": 1, "length": 2}]}, True),
    ("workspace/executeCommand", {"command": "infill.acceptedCompletion", "arguments": [{"id": 1}]}, True),
    ("workspace/executeCommand", {"command": "infill.rejected", "arguments": [{"id": 1}]}, True),
    ("workspace/executeCommand", {"command": "infill.dumpState"}, True),
    ("workspace/executeCommand", {"command": "infill.chatStatus"}, True),
    ("workspace/executeCommand", {"command": "infill.explainLast", "arguments": [True]}, True),
    ("workspace/didChangeConfiguration", {"settings": {"infill": {"completion": {"maxLines": 3}}}}, False),
    ("$/cancelRequest", {"id": 3}, False),
    ("$/setTrace", {"value": "off"}, False),
    ("window/workDoneProgress/cancel", {"token": "infill/load"}, False),
    ("textDocument/hover", ASK, True),
    ("shutdown", None, True),
)  # fmt: skip

HOSTILE = st.sampled_from(
    [10**30, -(10**30), 2**31 - 1, 1e308, "\0", "\ud800", "file:///a%00b", "untitled:Untitled-1", "git:/a.py?{}", "file://",
     "vscode-notebook-cell:", "utf-7", "file:///" + "a" * 5000, "a" * 5000]
)  # fmt: skip
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | HOSTILE,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def test_every_handler_has_a_template():
    connection_methods = {method for method, _, _ in TEMPLATES} - {"textDocument/hover"}

    async def handled():
        connection = Connection()
        await connection.initialize(capabilities=INLINE)
        features = set(connection.protocol.fm.features) | {"textDocument/completion"}
        commands = set(connection.protocol.fm.commands)
        await connection.end()
        return features, commands

    features, commands = asyncio.run(handled())
    tried = {params["command"] for method, params, _ in TEMPLATES if method == "workspace/executeCommand"}
    assert features - {"initialized", "codeAction/resolve"} <= connection_methods
    assert commands == tried


def places(value, path=()):
    """Paths to everything inside a JSON value."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


def with_junk(message, path, rubbish):
    if not path:
        return rubbish
    message = copy.deepcopy(message)
    inner = message
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = rubbish
    return message


@st.composite
def messages(draw):
    method, params, is_request = draw(st.sampled_from(TEMPLATES))
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if is_request:
        message["id"] = 0  # numbered when it is sent
    if draw(st.booleans()):
        path = draw(st.sampled_from(sorted(places(message), key=repr)))
        message = with_junk(message, path, draw(junk))
    return message


def id_of(message):
    """The id under which a request must be answered, or None."""
    if not isinstance(message, dict) or not {"id", "method"} <= message.keys():
        return None
    known = message["id"]
    return known if isinstance(known, str | int) and not isinstance(known, bool) else None


async def converse(sent):
    connection = Connection()
    connection.context.settings.apply = lambda: None  # no engine
    expected = []
    for number, message in enumerate(sent):
        if isinstance(message, dict) and message.get("id") == 0 and message["id"] is not False:
            message["id"] = number + 1
        if (request_id := id_of(message)) is not None:
            expected.append(request_id)
        connection.feed(message)
    connection.feed({"jsonrpc": "2.0", "id": "last", "method": "initialize", "params": {"capabilities": 0}})
    await connection.response("last")
    for request_id in expected:
        await eventually(lambda request_id=request_id: connection.responses(request_id))
        assert len(connection.responses(request_id)) == expected.count(request_id)
    json.dumps(connection.received)
    await connection.end()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(messages(), min_size=5, max_size=25))
def test_the_server_lives_on_and_answers(sent):
    initialize, params, _ = TEMPLATES[0]
    first = {"jsonrpc": "2.0", "id": 0, "method": initialize, "params": params}
    asyncio.run(asyncio.wait_for(converse([first, *copy.deepcopy(sent)]), 20))
