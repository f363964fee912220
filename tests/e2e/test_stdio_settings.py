"""Settings in every shape and by every way that editors have, and models that are not there."""

import asyncio
import re
import shutil

import pytest
import pytest_asyncio

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


# What changes while the server runs


@pytest.fixture
def user_file(tmp_path):
    path = tmp_path / "config" / "infill" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text('model = "fake"\n')
    return path


@pytest_asyncio.fixture(loop_scope="module")
async def serve_folders(serve, tmp_path, user_file):
    """Start a server whose workspace folders have these project files."""

    async def serve_folders(capabilities=INLINE, **files):
        folders = []
        for name, text in files.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / ".infill.toml").write_text(text)
            folders.append({"uri": (tmp_path / name).as_uri(), "name": name})
        environment = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
        client = await serve(capabilities, {}, env=environment, workspaceFolders=folders)
        await client.ready()
        return client

    return serve_folders


@pytest.mark.parametrize("event", ["saved", "watched"])
async def test_a_settings_file_counts_when_it_is_written(serve_folders, tmp_path, user_file, event):
    client = await serve_folders(first="")

    def written(path):
        if event == "saved":
            client.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})
        else:
            others = [{"uri": f"file:///elsewhere/{number}.toml", "type": 1} for number in range(3)]
            change = {"uri": path.as_uri(), "type": 2 if path.exists() else 3}
            client.notify("workspace/didChangeWatchedFiles", {"changes": [*others, change]})

    project_file = tmp_path / "first" / ".infill.toml"
    project_file.write_text("completion.max_lines = 3")
    written(project_file)
    await until_setting(client, "max_lines", "3")
    user_file.write_text('model = "fake"\ncompletion.max_tokens = 33\n')
    written(user_file)
    await until_setting(client, "max_tokens", "33")
    project_file.unlink()
    written(project_file)
    await until_setting(client, "max_lines", "12")
    assert not client.shown()


async def test_a_users_file_that_is_a_link(serve_folders, tmp_path, user_file):
    (tmp_path / "dotfiles").mkdir()
    target = user_file.rename(tmp_path / "dotfiles" / "infill.toml")
    user_file.symlink_to(target)
    client = await serve_folders(first="")
    target.write_text('model = "fake"\ncompletion.max_lines = 3\n')
    client.notify("textDocument/didSave", {"textDocument": {"uri": target.as_uri()}})
    await until_setting(client, "max_lines", "3")


async def test_each_folders_settings_count_for_its_own_files(serve_folders, tmp_path):
    client = await serve_folders(
        first="completion.max_lines = 3",
        second='completion.disabled_languages = ["python"]\ncompletion.max_lines = 4\nmodel = "theirs.gguf"\n',
    )
    assert "may not set `model`" in client.shown()[0]

    async def completes(path):
        client.open(path.as_uri(), "text")
        answer = await client.response(client.ask(path.as_uri(), 0, 4))
        return answer["result"] is not None

    assert await completes(tmp_path / "first" / "a.py")
    assert not await completes(tmp_path / "second" / "a.py")
    assert await completes(tmp_path / "elsewhere.py")
    assert re.findall(r"max_lines=(\d+)", await client.command("infill.dumpState")) == ["3", "4"]
    (tmp_path / "second" / ".infill.toml").write_text("")
    saved = {"textDocument": {"uri": (tmp_path / "second" / ".infill.toml").as_uri()}}
    client.notify("textDocument/didSave", saved)
    assert await completes(tmp_path / "second" / "b.py")
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / ".infill.toml").write_text("completion.enabled = false")
    third = {"uri": (tmp_path / "third").as_uri(), "name": "third"}
    client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [third], "removed": []}})
    assert not await completes(tmp_path / "third" / "a.py")
    assert await completes(tmp_path / "first" / "b.py")


async def test_the_users_file_is_watched_where_the_client_can(serve_folders, user_file):
    watches = {"dynamicRegistration": True, "relativePatternSupport": True}
    client = await serve_folders({**INLINE, "workspace": {"didChangeWatchedFiles": watches}}, first="")
    patterns = [
        watcher["globPattern"]
        for request in client.all_of("client/registerCapability")
        for registration in request["params"]["registrations"]
        for watcher in registration["registerOptions"]["watchers"]
    ]
    assert {"baseUri": user_file.parent.as_uri(), "pattern": "config.toml"} in patterns


async def test_settings_that_stay_the_same_drop_no_answer(fake):
    client = await fake("decode_ms=30")
    client.open("file:///same.py", "text")
    for number in range(3):
        asked = client.ask("file:///same.py", 0, 4)
        if number == 0:
            await asyncio.sleep(0.05)
            push(client, client_settings := {"model": await model_of(client), "context": {"max_tokens": 0}})
        assert (await client.response(asked))["result"] is not None
        push(client, client_settings)
    assert "known from an earlier answer" in await client.command("infill.explainLast")
    push(client, {**client_settings, "completion": {"max_lines": 5}})
    await until_setting(client, "max_lines", "5")
    await client.response(client.ask("file:///same.py", 0, 4))
    assert "no earlier answer agrees" in await client.command("infill.explainLast")


async def model_of(client):
    """The model of the settings in force."""
    return re.search(r"settings Settings\(model='([^']*)'", await client.command("infill.dumpState"))[1]
