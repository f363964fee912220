"""The embedded model behind its wire."""

import pytest

from tests.gguf.embedded import EMBEDDED
from tests.services import Service, launched
from tests.waiting import wait_until

# Writes a turn's role and text as they are, and then asks for the assistant's.
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}# {{ message['role'] }}\n{{ message['content'] }}\n{% endfor %}"
)


@pytest.fixture(scope="session")
def real():
    """An engine with the embedded model, which can fill holes and, after a fashion, chat."""
    model = {"model_path": str(EMBEDDED), "backend": "llama", "threads": 1, "chat_template": CHAT_TEMPLATE}
    with launched(**model) as service:
        yield service


@pytest.fixture
def held():
    """Open a request whose answer takes long, and return the service, and what closes the request."""

    def hold(service: Service, path: str, body: bytes):
        connection, response = service.open("POST", path, body)
        opened.extend((response, connection))
        response.readline()
        wait_until(lambda: ", 1 open" in service.state())

        def close() -> None:
            response.close()
            connection.close()

        return close

    opened = []
    yield hold
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def slow(tmp_path_factory):
    """An engine with a fake model that takes 20 ms a token, writes on and on, and can chat."""
    says = tmp_path_factory.mktemp("says") / "text"
    says.write_text("on and " * 1000)
    with launched(f"decode_ms=20,says={says}") as service:
        yield service
