import json
from pathlib import Path

import msgspec
import platformdirs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsp_server.base.errors import SettingsError
from lsp_server.catalog.resolve import engine_options
from lsp_server.settings import files
from lsp_server.settings.layers import Layer, load, parse, read_layer
from lsp_server.settings.model import (
    SETTINGS,
    CompletionSettings,
    ContextSettings,
    EngineSettings,
    Settings,
    json_schema,
)

PROJECT = Path("/home/somebody/project")


def parsed(*layers: object) -> Settings:
    found, problems = parse(Layer("test", values) for values in layers)
    assert problems == []
    return found


def problem_of(values: object, project: Path | None = None) -> str:
    """The one problem of a layer, whose values all fell back."""
    found, problems = parse([Layer("here", values, project)])
    assert found == Settings()
    [problem] = problems
    assert problem.startswith("here: ")
    assert problem.endswith((".", "?"))
    return problem


def trusting(project: Path, values: object) -> str:
    """The problems of the file of a project that the user trusts, none of whose values counts."""
    trust = {"trusted_folders": [str(project)]}
    found, problems = parse([Layer("user", trust), Layer("here", values, project)])
    assert found == Settings(trusted_folders=(str(project),)) or not problems
    return " ".join(problems)


def test_defaults_are_valid():
    assert parsed() == Settings()
    assert msgspec.convert(msgspec.to_builtins(Settings()), Settings) == Settings()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"completion": {"max_tokens": 9}}, id="nested"),
        pytest.param({"completion.max_tokens": 9}, id="flat"),
        pytest.param({"infill": {"completion": {"max_tokens": 9}}}, id="nested in a section"),
        pytest.param({"infill": {"completion.max_tokens": 9}}, id="flat in a section"),
        pytest.param({"infill.completion": {"max_tokens": 9}}, id="half of it flat"),
        pytest.param({"infill.completion.max_tokens": 9}, id="flat with its section"),
        pytest.param({"completion": {"maxTokens": 9}}, id="nested camelCase"),
        pytest.param({"infill.completion.maxTokens": 9}, id="flat camelCase"),
    ],
)
def test_spellings(values):
    assert parsed(values) == Settings(completion=CompletionSettings(max_tokens=9))


def test_later_layers_win_key_by_key():
    found = parsed(
        {"model": "a.gguf", "engine": {"threads": 1, "gpu_layers": 0}},
        {"engine.threads": 2},
        {"engine": {"threads": None}, "context": {"suffix_share": 0}},
    )
    assert found == Settings(
        model="a.gguf", engine=EngineSettings(threads=2, gpu_layers=0), context=ContextSettings(suffix_share=0.0)
    )


@pytest.mark.parametrize(
    "values",
    [
        *(None, {}, {"infill": None}, {"infill": {}}, {"model": None, "engine": None}),
        *([], {"infill": []}, {"completion": []}, {"infill": {"engine": []}}),  # Neovim's empty tables
    ],
)
def test_nothing_set(values):
    assert parsed(values) == Settings()


def test_lists_become_frozen():
    assert parsed({"completion.disabled_languages": ["c"]}).completion.disabled_languages == ("c",)
    assert hash(parsed({"completion.disabled_languages": ["c"]}))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"completion.max_tokens": 0}, ["`completion.max_tokens` is 0", ">= 1", "using 64"]),
        ({"completion.max_tokens": "many"}, ['is "many"', "expected `int`", "using 64"]),
        ({"completion.max_tokens": True}, ["is true", "expected `int`", "using 64"]),
        ({"completion.max_tokens": 2**100}, [str(2**100), "using 64"]),
        ({"completion.menu": "sometimes"}, ['"sometimes"', 'using "auto"']),
        ({"completion.disabled_languages": "c"}, ['is "c"', "expected `array`", "using []"]),
        ({"context.suffix_share": float("nan")}, ["using 0.25"]),
        ({"context.suffix_share": float("inf")}, ["using 0.25"]),
        ({"engine.cache_type": "q4"}, ["q4", 'using "auto"']),
        ({"completion.max_token": 9}, ["no setting `completion.max_token`", "did you mean `completion.max_tokens`"]),
        ({"colour": "red"}, ["no setting `colour`", "README"]),
        ({"completion": 7}, ["no setting `completion`"]),
        ({"patience_ms": 9}, ["no setting `patience_ms`", "did you mean `completion.prefill_budget_ms`"]),
        ({"engine": {"patience_ms": 9}}, ["no setting `engine.patience_ms`", "did you mean `completion.prefill_"]),
        ({"model": {"path": "x"}}, ["no setting `model.path`", "did you mean `model`"]),
        (7, ["must be a table, not 7"]),
        (["model"], ["must be a table, not"]),
    ],
)
def test_a_value_that_cannot_be_used(values, words):
    problem = problem_of(values)
    assert all(word in problem for word in words), problem


def test_a_wrong_value_leaves_the_others_alone():
    found, problems = parse([Layer("x", {"completion": {"max_tokens": 0, "max_lines": 3}, "nonsense": 1})])
    assert found == Settings(completion=CompletionSettings(max_lines=3))
    assert len(problems) == 2


def test_unknown_keys_are_one_sentence_for_all_of_a_layer():
    values = {"colour": "red", "completion": {"max_token": 9, "max_lines": 3}, **{f"odd_{n}": n for n in range(500)}}
    found, [problem] = parse([Layer("here", values)])
    assert found == Settings(completion=CompletionSettings(max_lines=3))
    assert "there are no settings `colour`, `completion.max_token` (did you mean `completion.max_tokens`?)" in problem
    assert "and 497 more; `lsp_server/settings/README.md`" in problem
    assert len(problem) < 400


def test_a_wrong_value_falls_back_to_the_layer_below_and_says_so():
    found, problems = parse([Layer("user", {"engine.threads": 7}), Layer("editor", {"engine.threads": "all"})])
    assert found.engine.threads == 7
    assert "using 7 instead" in problems[0]


# A project that the user trusts may choose its own models.


@pytest.mark.parametrize(
    "model",
    [
        "/etc/model.gguf",
        "../model.gguf",
        "models/../../model.gguf",
        "/home/somebody/project-of-another/model.gguf",
    ],
)
@pytest.mark.parametrize(
    "spelling", ["model", "Model", "infill.model", "chat.model", "infill.chat.model", "engine.draft_model"]
)
def test_a_project_may_not_choose_a_model_outside_of_itself(model, spelling):
    assert "outside of itself" in trusting(PROJECT, {spelling: model})


@pytest.mark.parametrize("model", ["~/model.gguf", "~root/model.gguf", "fake:die_after=1", "model.gguf", "a/../b.gguf"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_model_inside_of_the_project_is_found_there(tmp_path, model, nested):
    """`~` is a name like others there, and so is what would else name a backend of the tests."""
    path = tmp_path / ".infill.toml"
    path.write_text(f'infill.model = "{model}"' if nested else f'model = "{model}"')
    layer = read_layer(path, tmp_path)
    assert layer is not None
    found, problems = parse([Layer("user", {"trusted_folders": [str(tmp_path)]}), layer])
    assert problems == []
    options = engine_options(found, tmp_path)
    assert options.backend == "llama"
    assert Path(options.model_path).resolve() == (tmp_path / model).resolve()


def test_a_link_out_of_the_project_is_outside(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "models").symlink_to(tmp_path)
    assert "outside of itself" in trusting(project, {"model": "models/model.gguf"})


@pytest.mark.parametrize("model", ["a\0b.gguf", "\ud800.gguf", "x" * 5000, "/".join("x" * 3000)])
def test_a_project_may_name_a_model_that_cannot_be(model):
    trusting(PROJECT, {"model": model})


def test_links_in_a_circle(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    assert "names no file" in trusting(tmp_path, {"model": "loop/model.gguf"})


# Any value at all

TEXTS = st.text(max_size=8) | st.sampled_from(["", "auto", "\ud800", "\0", "~", "f16", "/", "é"])
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(0, 64) | st.floats() | TEXTS
NAMES = st.sampled_from(
    [
        *SETTINGS,
        *(f"infill.{key}" for key in SETTINGS),
        *(part for key in SETTINGS for part in key.split(".")),
        "infill",
    ]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.builds(Layer, origin=st.just("x"), values=JSON, project=st.sampled_from([None, PROJECT]))))
@example([Layer("x", {"completion.max_tokens": "\ud800"})])
@example([Layer("x", "\ud800")])
@example([Layer("x", {"model": "\0"}, PROJECT)])
@example([Layer("x", {"context.suffix_share": float("nan")})])
def test_any_layers_give_valid_settings_and_sentences(layers):
    found, problems = parse(layers)
    assert msgspec.convert(msgspec.to_builtins(found), Settings) == found
    assert all(problem.startswith("x: ") and problem.endswith((".", "?")) for problem in problems)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(SETTINGS, SCALARS)))
def test_each_value_is_taken_or_named_as_a_problem(values):
    found, problems = parse([Layer("x", values)])
    taken = msgspec.to_builtins(found)
    for key, value in values.items():
        current = taken
        for name in key.split("."):
            current = current[name]
        assert value is None or current == value or any(f"`{key}`" in problem for problem in problems)


# Files


@pytest.fixture
def user_file(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_config_path", lambda name: tmp_path / "config" / name)
    path = files.user_file()
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def test_no_files(user_file, project):
    assert load(None) == (Settings(), [])
    assert load(project) == (Settings(), [])


def test_user_then_project_then_editor(user_file, project):
    user_file.write_text("completion.max_lines = 1\ncompletion.max_tokens = 1\ncompletion.debounce_ms = 1\n")
    (project / ".infill.toml").write_text("[completion]\nmax_tokens = 2\ndebounce_ms = 2\n")
    found, problems = load(project, [{"completion.debounce_ms": 4}, None, {"infill": {"completion.debounce_ms": 3}}])
    assert problems == []
    assert found.completion == CompletionSettings(max_lines=1, max_tokens=2, debounce_ms=3)


def test_the_user_may_choose_any_model(user_file, project):
    user_file.write_text('model = "/models/any.gguf"')
    assert load(project) == (Settings(model="/models/any.gguf"), [])


def test_a_file_that_cannot_be_read_is_a_problem_and_the_others_count(user_file, project):
    user_file.write_text("model = ")
    (project / ".infill.toml").write_bytes(b"model = '\xff'")
    found, problems = load(project, [{"engine.threads": 3}])
    assert found == Settings(engine=EngineSettings(threads=3))
    assert [problem.split(":")[0] for problem in problems] == [str(user_file), str(project / ".infill.toml")]
    assert all("ignored until it is mended" in problem for problem in problems)


def test_a_folder_in_the_place_of_a_file(tmp_path):
    with pytest.raises(SettingsError, match="ignored until it is mended"):
        read_layer(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = " + b"[" * 4000, "nested too deeply"),
        (b"a = " + b"[" * 4000 + b"]" * 4000, "nested too deeply"),
        (b"a = " + b"{b = " * 4000, "nested too deeply"),
        (b"a = " + b"9" * 5000, "4300 digits"),
        (b"a = '\x00'", "line 1"),
        ("model = ''".encode("utf-16"), "not UTF-8"),
        ("model = 'é'".encode("latin-1"), "not UTF-8"),
        (b"# \n" * (1 << 19), "larger than 1 MiB"),
    ],
    ids=["opened", "nested", "tables", "digits", "NUL", "UTF-16", "Latin-1", "large"],
)
def test_a_file_that_cannot_be_parsed_is_one_short_sentence(user_file, project, content, words):
    (project / ".infill.toml").write_bytes(content)
    user_file.write_text("completion.max_lines = 3")
    found, [problem] = load(project)
    assert found.completion.max_lines == 3
    assert words in problem
    assert problem.endswith("The file is ignored until it is mended.")
    assert len(problem) < len(str(project)) + 200


def test_a_byte_order_mark_is_no_error(user_file, project):
    user_file.write_bytes(b"\xef\xbb\xbfcompletion.max_lines = 3")
    (project / ".infill.toml").write_bytes(b"\xef\xbb\xbf[completion]\r\nmax_tokens = 5\r\n")
    assert load(project) == (Settings(completion=CompletionSettings(max_lines=3, max_tokens=5)), [])


@pytest.mark.parametrize("content", [".".join("a" * 4000) + " = 1", f"model = {'[' * 300}{']' * 300}"])
def test_what_is_nested_deeply_is_a_problem_of_its_own(user_file, project, content):
    user_file.write_text(content + "\n")
    found, [problem] = load(None)
    assert found == Settings()
    assert len(problem) < len(str(user_file)) + 300


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_link_to_a_device_is_not_read(project):
    (project / ".infill.toml").symlink_to("/dev/zero")
    assert "no regular file" in load(project)[1][0]


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 5000, "file/below"])
def test_a_project_in_a_folder_that_cannot_be(tmp_path, name):
    (tmp_path / "file").touch()
    found, problems = load(tmp_path / name)
    assert found == Settings()
    assert len(problems) <= 1


def test_toml_dates_are_shown(user_file):
    user_file.write_text("engine.threads = 2024-01-02")
    [problem] = load(None)[1]
    assert "2024-01-02" in problem


def test_the_schema_describes_every_key():
    schema = json.loads(json.dumps(json_schema()))
    described = set()

    def walk(name: str, prefix: str) -> None:
        for key, value in schema["$defs"][name]["properties"].items():
            if "$ref" in value:
                walk(value["$ref"].rsplit("/", 1)[1], f"{prefix}{key}.")
            else:
                assert value["description"].endswith("."), key
                described.add(prefix + key)

    walk("Settings", "")
    assert described == set(SETTINGS)


def test_a_file_that_notepad_wrote_is_read(tmp_path):
    path = tmp_path / ".infill.toml"
    path.write_text("# größer\r\ncompletion.max_lines = 3\r\n", encoding="utf-8-sig")
    assert read_layer(path).values == {"completion": {"max_lines": 3}}
