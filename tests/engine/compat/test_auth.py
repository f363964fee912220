"""Who may ask for any of it."""

import http.client
import json

import psutil
import pytest

from lsp_server.engine.http.routes import ROUTES

MIB = 1 << 20
PATHS = [*ROUTES, ("GET", "/health"), ("GET", "/state"), ("POST", "/generate"), ("GET", "/load")]


@pytest.mark.parametrize(("method", "path"), PATHS)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:80"}, 403),
    ],
)
def test_others_get_nothing(slow, method, path, headers, status):
    found, text = slow.ask(method, path, b"{}" if method == "POST" else None, **headers)
    assert found == status
    assert set(json.loads(text)) == {"error"}


@pytest.mark.parametrize("path", ["/infill", "/v1/completions", "/generate"])
def test_a_body_of_100_mb_is_refused_before_it_is_read(slow, path):
    connection = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=30)
    connection.putrequest("POST", path)
    connection.putheader("Authorization", f"Bearer {slow.token}")
    connection.putheader("Content-Length", str(100 * MIB))
    connection.endheaders()
    response = connection.getresponse()  # of the body nothing was sent
    assert response.status == 413
    assert "16 MiB" in json.loads(response.read())["error"]["message"]
    connection.close()


@pytest.mark.parametrize("path", ["/infill", "/generate"])
def test_a_body_that_does_not_say_its_length_is_not_kept_beyond_the_limit(slow, path):
    process = psutil.Process(slow.process.pid)
    before = process.memory_info().rss
    most = before

    def pieces():
        nonlocal most
        for _ in range(100):
            most = max(most, process.memory_info().rss)
            yield b"x" * MIB

    connection = http.client.HTTPConnection("127.0.0.1", slow.port, timeout=60)
    connection.request("POST", path, pieces(), {"Authorization": f"Bearer {slow.token}"}, encode_chunked=True)
    response = connection.getresponse()
    assert response.status == 413
    assert "16 MiB" in json.loads(response.read())["error"]["message"]
    connection.close()
    assert most - before < 64 * MIB
