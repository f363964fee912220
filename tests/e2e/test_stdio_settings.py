"""Settings in every shape and by every way that editors have, and models that are not there."""

import asyncio
import re
import shutil

import pytest

from tests.gguf.embedded import EMBEDDED
from tests.processes import engine_of, engines_of
from tests.raw_client import INLINE
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

FUNCTION = "def add(a, b):\n    ret"
AUTOMATIC = 2
PULLS = {"workspace": {"configuration": True}, **INLINE}

SHAPES = {
    "nested": {"completion": {"max_lines": 3}},
    "flat": {"completion.max_lines": 3},
    "camelCase": {"completion": {"maxLines": 3}},
    "flat camelCase": {"completion.maxLines": 3},
    "in a section": {"infill": {"completion": {"maxLines": 3}}},
    "flat with its section": {"infill.completion.maxLines": 3},
    "flat in a section": {"infill": {"completion.maxLines": 3}},
}


async def setting(client, name):
    """A setting's value as text."""
    return re.search(rf"\b{name}=([^,)]+)", await client.command("infill.dumpState"))[1]


async def until_setting(client, name, value):
    async def is_so():
        return await setting(client, name) == value

    await eventually(is_so)


def push(client, values):
    client.notify("workspace/didChangeConfiguration", {"settings": values})


async def test_sent_with_initialize(serve):
    client = await serve(INLINE, {"model": "fake", "completion": {"max_lines": 3}, "context.maxTokens": 5})
    await client.ready()
    assert await setting(client, "max_lines") == "3"
    assert "ContextSettings(max_tokens=5," in await client.command("infill.dumpState")
    assert not client.shown()
    push(client, {"infill": {"completion": {"max_lines": 4}}})
    await until_setting(client, "max_lines", "4")
    assert await setting(client, "model") == "'fake'", "what initialize brought stays the lowest layer"


async def test_pushed_in_any_shape(fake):
    client = await fake()
    for number, values in enumerate(SHAPES.values(), start=1):
        push(client, {"completion": {"maxLines": 100 + number}})
        await until_setting(client, "max_lines", str(100 + number))
        push(client, values)
        await until_setting(client, "max_lines", "3")
    assert not client.shown(client.begun)


async def test_pulled_in_any_shape(serve):
    client = await serve(PULLS, {"model": "fake"}, answers={"workspace/configuration": [SHAPES["flat"]]})
    await client.ready()
    assert await setting(client, "max_lines") == "3"
    (request,) = client.all_of("workspace/configuration")
    assert request["params"]["items"] == [{"section": "infill"}]
    for number, values in enumerate(SHAPES.values(), start=1):
        client.answers["workspace/configuration"] = [{"completion": {"max_lines": 100 + number}}]
        push(client, None)
        await until_setting(client, "max_lines", str(100 + number))
        client.answers["workspace/configuration"] = [values]
        push(client, None)
        await until_setting(client, "max_lines", "3")
    assert not client.shown()
    for number, answer in enumerate(([], [None], [{}], [[1]], ["nonsense"]), start=1):
        client.answers["workspace/configuration"] = answer
        push(client, {"completion": {"max_lines": 50 + number}})
        await until_setting(client, "max_lines", str(50 + number))
    assert len(client.shown()) <= 2, "of those that are no table"


async def test_a_client_may_not_answer_or_too_late_or_refuse(serve):
    client = await serve(PULLS, {"model": "fake"})
    request = await client.notification("workspace/configuration")
    await client.ready()
    client.respond(request, [{"completion": {"max_lines": 3}}])
    assert await setting(client, "max_lines") in ("3", "12")
    mark = client.mark
    push(client, {"completion": {"max_lines": 4}})
    request = await client.notification("workspace/configuration", since=mark)
    error = {"code": -32601, "message": "Method not found"}
    client.write(client.frame({"jsonrpc": "2.0", "id": request["id"], "error": error}))
    await until_setting(client, "max_lines", "4")
    assert not client.shown()


async def test_a_wrong_setting_is_one_sentence_once(serve):
    client = await serve(INLINE, {"model": "fake", "completion": {"maxLine": 3, "max_tokens": -1}})
    await client.ready()
    push(client, {"completion": {"maxLine": 3}})
    push(client, {"completion": {"maxLine": 3, "max_lines": 4}})
    await until_setting(client, "max_lines", "4")
    unknown, invalid = sorted(client.shown(), reverse=True)
    assert "`completion.max_line`" in unknown
    assert "did you mean `completion.max_lines`?" in unknown
    assert "`completion.max_tokens` is -1" in invalid
    assert "using 64 instead" in invalid
    assert all(message["params"]["type"] == 2 for message in client.all_of("window/showMessage")), "warnings"


async def test_settings_that_are_none_at_all(fake):
    client = await fake()
    for number, values in enumerate(([], "text", 7, True, [{}]), start=1):
        push(client, values)
        push(client, {"completion": {"max_lines": number}})
        await until_setting(client, "max_lines", str(number))
    assert all("settings must be a table" in sentence for sentence in client.shown(client.begun))


async def test_the_projects_file_and_the_users(serve, tmp_path):
    user = tmp_path / "config" / "infill"
    user.mkdir(parents=True)
    (user / "config.toml").write_text('model = "fake"\n[completion]\nmax_lines = 3\nmax_tokens = 30\n')
    project = tmp_path / "project"
    project.mkdir()
    (project / ".infill.toml").write_text("[completion]\nmax_lines = 4\ndebounce_ms = 4\n")
    client = await serve(
        INLINE,
        {"completion": {"debounce_ms": 5}},
        env={"XDG_CONFIG_HOME": str(tmp_path / "config")},
        workspaceFolders=[{"uri": project.as_uri(), "name": "project"}],
    )
    await client.ready()
    assert [await setting(client, name) for name in ("max_tokens", "max_lines", "debounce_ms")] == ["30", "4", "5"]
    assert not client.shown()
    (project / ".infill.toml").write_text("completion = = 3")
    push(client, {})
    await until_setting(client, "max_lines", "3")
    (sentence,) = client.shown()
    assert str(project / ".infill.toml") in sentence


async def test_switched_off_by_a_setting(fake):
    client = await fake()
    client.open("file:///a.py", "text")
    assert (await client.response(client.ask("file:///a.py", 0, 4)))["result"] is not None
    push(client, {"completion": {"enabled": False}})
    await until_setting(client, "enabled", "False")
    assert (await client.response(client.ask("file:///a.py", 0, 4)))["result"] is None
    push(client, {"completion": {"disabledLanguages": ["python"]}})
    await until_setting(client, "enabled", "True")
    assert (await client.response(client.ask("file:///a.py", 0, 4)))["result"] is None


# Models


async def test_a_model_that_is_missing_is_said_once_and_the_server_lives_on(serve, tmp_path):
    missing = tmp_path / "missing model.gguf"
    client = await serve(INLINE, {"model": str(missing)})
    shown = await client.notification("window/showMessage")
    assert shown["params"]["type"] == 1
    sentence = shown["params"]["message"]
    assert str(missing) in sentence
    assert "Set `model`" in sentence
    client.open("file:///a.py", FUNCTION)
    for trigger_kind in (1, 2, 1):
        response = await client.response(client.ask("file:///a.py", 1, 7, trigger_kind))
        assert response["result"] is None, "an error would be a toast at every keystroke"
    assert client.shown() == [sentence]
    assert str(missing) in await client.command("infill.dumpState")
    push(client, {"model": "fake"})
    await client.ready()
    assert (await client.response(client.ask("file:///a.py", 1, 7)))["result"] is not None


async def test_files_that_are_no_models_are_said_once_each(fake, tmp_path):
    client = await fake()
    client.open("file:///a.py", FUNCTION)
    for number, content in enumerate((b"", b"GGUF", b"not a model at all" * 100)):
        path = tmp_path / f"{number}.gguf"
        path.write_bytes(content)
        mark = client.mark
        push(client, {"model": str(path)})
        await client.notification("window/showMessage", since=mark)
        assert (await client.response(client.ask("file:///a.py", 1, 7)))["result"] is None
        (sentence,) = client.shown(since=mark)
        assert str(path) in sentence


async def test_choosing_another_model_restarts_the_engine(serve, tmp_path):
    shutil.copy(EMBEDDED, tmp_path / "other.gguf")
    client = await serve()
    await client.ready()
    first = await engine_of(client)
    client.open("file:///a.py", FUNCTION)
    before = (await client.response(client.ask("file:///a.py", 1, 7, AUTOMATIC)))["result"]
    assert before["items"]
    mark = client.mark
    push(client, {"model": str(tmp_path / "other.gguf")})
    await client.ready(since=mark)
    second = await engine_of(client)
    assert second != first
    assert (await client.response(client.ask("file:///a.py", 1, 7, AUTOMATIC)))["result"] == before
    mark = client.mark
    push(client, {"model": str(tmp_path / "other.gguf"), "completion": {"max_lines": 9}})
    await until_setting(client, "max_lines", "9")
    assert [engine.pid for engine in engines_of(client.process.pid)] == [second], "the same model is not loaded again"
    assert not client.all_of("window/logMessage", since=mark)


async def test_choosing_models_in_quick_succession_leaves_one(fake):
    client = await fake()
    for number in range(5):
        push(client, {"model": f"fake:load_ms={50 + number}"})
        await asyncio.sleep(0.01 * number)
    await until_setting(client, "model", "'fake:load_ms=54'")
    client.open("file:///a.py", "text")
    assert (await client.response(client.ask("file:///a.py", 0, 4)))["result"] is not None
    await engine_of(client)
    assert not client.shown(client.begun)


async def test_a_trusted_project_may_choose_a_model_inside_of_itself_only(serve, tmp_path):
    project, user = tmp_path / "project", tmp_path / "config" / "infill" / "config.toml"
    project.mkdir()
    user.parent.mkdir(parents=True)
    user.write_text(f"trusted_folders = ['{tmp_path}']\n")
    shutil.copy(EMBEDDED, tmp_path / "outside.gguf")
    shutil.copy(EMBEDDED, project / "mine.gguf")
    (project / ".infill.toml").write_text('model = "mine.gguf"\n')
    client = await serve(rootUri=project.as_uri(), env={"XDG_CONFIG_HOME": str(tmp_path / "config")})
    await client.ready()
    assert not client.shown()
    assert await setting(client, "model") == f"'{project / 'mine.gguf'}'"
    (project / ".infill.toml").write_text('model = "../outside.gguf"\n')
    mark = client.mark
    push(client, {})
    await client.ready(since=mark)
    (sentence,) = client.shown()
    assert "a project may not choose a model outside of itself" in sentence


async def test_the_model_of_a_cloned_project_is_not_loaded(serve, tmp_path):
    shutil.copy(EMBEDDED, tmp_path / "theirs.gguf")
    (tmp_path / ".infill.toml").write_text('model = "theirs.gguf"\nengine.threads = 2\ncompletion.max_lines = 3\n')
    client = await serve(INLINE, {}, rootUri=tmp_path.as_uri())
    await client.ready()
    push(client, {})
    await until_setting(client, "max_lines", "3")
    assert await setting(client, "model") == "''"
    assert await setting(client, "threads") == "0"
    (sentence,) = client.shown()
    assert f'may not set `model`, `engine.threads`. If you trust it, add "{tmp_path}" to `trusted_folders`' in sentence


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        ("deepseek-coder-7b-base-v1.5", "Use deepseek-coder-6.7b-base"),
        ("deepseek-coder", "Did you mean deepseek-coder-"),
    ],
)
async def test_a_model_that_cannot_be_had_is_said_and_the_embedded_one_serves(serve, tmp_path, model, advice):
    client = await serve(INLINE, {"model": model}, env={"HF_HOME": str(tmp_path)})
    await client.ready()
    [message] = client.shown()
    assert advice in message
    assert "The embedded model serves meanwhile." in message
    client.open("file:///a.py", FUNCTION)
    assert (await client.response(client.ask("file:///a.py", 1, 7)))["result"]["items"]


async def test_a_model_that_nobody_uses_is_released_and_comes_back_when_somebody_types(fake):
    client = await fake(engine={"unload_after_minutes": 0.001})
    await eventually(lambda: engines_of(client.process.pid) == [])
    assert "fill: engine stopped" in await client.command("infill.dumpState")
    client.open("file:///a.py", "text")
    mark = client.mark
    assert (await client.response(client.ask("file:///a.py", 0, 4, trigger_kind=2)))["result"] is None
    await client.ready(since=mark)
    await eventually(lambda: engines_of(client.process.pid) == [])
    assert (await client.response(client.ask("file:///a.py", 0, 4)))["result"] is not None, "who asks waits for it"
    assert not client.shown(client.begun)


async def test_changing_the_chat_model_leaves_the_other_alone(serve, tmp_path):
    client = await serve(INLINE, {"model": "fake"})
    await client.ready()
    engine = await engine_of(client)
    push(client, {"chat": {"model": str(tmp_path / "nowhere.gguf"), "unloadAfterMinutes": 7}})
    await until_setting(client, "unload_after_minutes", "7.0")  # the first of that name
    assert await engine_of(client) == engine
    assert not client.shown(), "nobody has chatted yet"
