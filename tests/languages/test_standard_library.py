"""What the modules of the standard library have, without running them."""

import pytest

from lsp_server.languages.standard_library import has_attribute


@pytest.mark.parametrize(
    "name",
    [
        "json.dumps", "os.path", "os.getcwd", "socket.AF_INET", "time.sleep", "sys.argv", "decimal.Decimal",
        "collections.abc", "concurrent.futures", "xml.etree", "datetime.datetime", "signal.SIGINT", "re.compile",
        "asyncio.run", "asyncio.sleep", "math.pi", "typing.Any", "hashlib.sha256", "stat.S_ISREG", "random.randint",
        "email.message", "struct.pack", "csv.reader", "pickle.loads", "heapq.heappush", "unittest.TestCase",
        "types.SimpleNamespace", "queue.Queue", "code.InteractiveConsole", "token.NAME", "subprocess.PIPE",
    ],
)  # fmt: skip
def test_what_a_module_has(name):
    assert has_attribute(*name.split("."))


@pytest.mark.parametrize(
    "name",
    [
        "code.append", "code.strip", "token.value", "types.append", "queue.put", "queue.popleft", "calendar.events",
        "site.url", "statistics.total", "this.x", "antigravity.x",
    ],
)  # fmt: skip
def test_what_a_variable_of_that_name_has(name, monkeypatch, capsys):
    assert not has_attribute(*name.split("."))
    assert capsys.readouterr().out == "", "no module is run"
