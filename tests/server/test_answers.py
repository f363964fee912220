"""What the client answers to requests of ours, well-formed and not."""

import asyncio

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from tests.waiting import eventually

APPLIED = {"applied": True}


@pytest.mark.parametrize(
    "answer",
    [
        {"result": None},
        {"result": "yes"},
        {"result": {}},
        {"result": [APPLIED]},
        {"error": None},
        {"error": "no"},
        {"error": {"code": "none"}},
        {"error": {"message": "no"}},
        {},
        {"result": APPLIED, "jsonrpc": "1.0"},
        {"result": APPLIED, "jsonrpc": None},
    ],
    ids=repr,
)
@pytest.mark.parametrize("method", [{}, {"method": None}, {"method": 7}], ids=repr)
async def test_a_malformed_answer_fails_the_request_that_waits_for_it(connection, answer, method):
    params = types.ApplyWorkspaceEditParams(types.WorkspaceEdit())
    waiting = asyncio.ensure_future(connection.protocol.send_request_async("workspace/applyEdit", params))
    await eventually(lambda: connection.received[-1].get("method") == "workspace/applyEdit")
    connection.feed({"jsonrpc": "2.0", "id": connection.received[-1]["id"], **method, **answer})
    with pytest.raises(JsonRpcException):
        await asyncio.wait_for(waiting, 5)
    before = len(connection.received)
    await connection.settle()
    assert len(connection.received) == before + 1, "an answer is not answered"
    assert connection.protocol._request_futures == {}
    assert connection.protocol._result_types == {}


@pytest.mark.parametrize("error", [{}, {"error": None}], ids=repr)
async def test_a_good_answer_arrives(connection, error):
    params = types.ApplyWorkspaceEditParams(types.WorkspaceEdit())
    waiting = asyncio.ensure_future(connection.protocol.send_request_async("workspace/applyEdit", params))
    await eventually(lambda: connection.received[-1].get("method") == "workspace/applyEdit")
    connection.feed({"jsonrpc": "2.0", "id": connection.received[-1]["id"], "result": APPLIED, **error})
    assert (await asyncio.wait_for(waiting, 5)).applied
