"""The registry of handlers."""

from pathlib import Path

from lsp_server.server import handlers


def test_every_file_of_handlers_is_registered_once():
    files = {path.stem for path in Path(handlers.__file__).parent.glob("*.py")} - {"__init__", "context"}
    registered = [*handlers.ALWAYS, *(register for register, _ in handlers.IF_SUPPORTED)]
    assert sorted(register.__module__.rpartition(".")[2] for register in registered) == sorted(files)
