"""Every family of the catalogue, from a file to a completion and a chat, through llama.cpp."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lsp_server.base.errors import ModelCannotInfillError
from lsp_server.base.fim_families import FAMILIES, Place
from lsp_server.catalog.models import catalog
from lsp_server.completion.pipeline import Pipeline
from lsp_server.completion.planner import Planner
from lsp_server.completion.request import CompletionRequest
from lsp_server.engine.backends.llama.backend import LlamaBackend
from lsp_server.engine.client.supervisor import EngineSupervisor
from lsp_server.engine.scheduler.truncate import truncate
from lsp_server.ipc.launch import EngineOptions
from lsp_server.ipc.model_info import ModelInfo
from lsp_server.ipc.requests import Chunk, Done, Generate
from lsp_server.prompt.chat import Message, chat_prompt
from lsp_server.prompt.families import family_of
from lsp_server.settings.model import CompletionSettings, Settings
from lsp_server.text.excerpts import Neighbour
from tests.builders import snapshot_at
from tests.gguf.families import MINIATURES, write

HERE = snapshot_at("a b\n‸\nz\n", path="m.py", project="shop")
OTHERS = [Neighbour("lib.py", "python", "x\n", 1)]
miniatures = pytest.mark.parametrize("model_name", MINIATURES)


@pytest.fixture(scope="module")
def path_of(tmp_path_factory):
    folder = tmp_path_factory.mktemp("families")

    def path_of(model_name: str):
        path = folder / f"{model_name}.gguf"
        return path if path.exists() else write(path, MINIATURES[model_name])

    return path_of


@pytest.fixture
async def launch(path_of):
    engines = []

    async def launch(model_name: str) -> tuple[EngineSupervisor, ModelInfo]:
        engine = EngineSupervisor(EngineOptions(str(path_of(model_name)), threads=1))
        engines.append(engine)
        engine.start()
        return engine, await engine.ready()

    yield launch
    for engine in engines:
        await engine.stop()


@pytest.fixture
def opened(path_of, request):
    backend = LlamaBackend(EngineOptions(str(path_of(request.param)), threads=1))
    yield backend
    backend.close()


def test_every_family_is_in_the_catalogue_and_has_a_miniature():
    usable = {model.fim_format for model in catalog().values() if not model.refused}
    assert usable == {family.name for family in FAMILIES} == {each.family for each in MINIATURES.values()}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_the_miniatures_of_a_family_have_what_its_record_says(family):
    miniatures = [each for each in MINIATURES.values() if each.family == family.name]
    specials = {text for each in miniatures for text in each.specials} - {each.begin for each in miniatures}
    told = {*family.markers.values(), *family.other_markers.values(), *family.end_texts}
    assert specials - told <= {"[MIDDLE]"}, "Codestral has it, and does not use it"
    assert told <= specials
    assert family.old_pre_tokeniser in ("", *(each.pre_tokeniser for each in miniatures))


# A miniature writes signs without a natural end.
AS_IT_IS = Settings(completion=CompletionSettings(switched_off_rules=("drop unfinished",)))


@miniatures
async def test_it_completes_alone_and_among_other_files(launch, model_name):
    engine, model = await launch(model_name)
    family = family_of(model)
    assert family.name == MINIATURES[model_name].family
    assert model.supports_rollback
    for neighbours, order in (((), family.order_single_file), (OTHERS, family.order_with_blocks)):
        ask = CompletionRequest("command", max_tokens=5)
        answer = await Pipeline(engine, AS_IT_IS).complete(HERE, lambda neighbours=neighbours: neighbours, ask)
        assert (answer.error, answer.text, answer.timings.decoded_tokens) == ("", "!!!!!", 5)
        [prompt] = [line.text for line in answer.trace.lines if line.stage == "prompt"]
        roles = [role for role in order if role in model.markers]
        places = [prompt.index(model.markers[role]) for role in roles]
        assert places == sorted(places), "markers as the format orders them"
        assert ("lib.py" in prompt) == bool(neighbours)
        assert ("shop" in prompt) == (Place.PROJECT in order)


@miniatures
async def test_it_answers_or_says_that_it_was_not_made_for_chat(launch, model_name):
    engine, model = await launch(model_name)
    assert bool(model.chat_template) == MINIATURES[model_name].is_instruct
    if not model.chat_template:
        return
    prompt = chat_prompt(model.chat_template, [Message("user", "hello")], model.markers)
    events = [event async for event in engine.generate(Generate(prompt, 4))]
    assert "".join(event.text for event in events if isinstance(event, Chunk)) == "!!!!"
    assert isinstance(events[-1], Done)


@pytest.mark.parametrize("opened", MINIATURES, indirect=True)
def test_the_markers_are_one_token_each_and_end_a_text(opened, request):
    miniature = MINIATURES[request.node.callspec.params["opened"]]
    first_special = opened.vocabulary.num_tokens - len(miniature.specials)
    for role, text in opened.info.markers.items():
        assert opened.marker(role) == first_special + miniature.specials.index(text)
        assert opened.is_end(opened.marker(role))
    assert all(
        opened.is_end(first_special + number) for number, text in enumerate(miniature.specials) if "IDDLE" not in text
    )
    for special in miniature.specials:
        assert max(opened.tokenize(f"a{special}b")) < first_special, "text of people stays text"


@pytest.mark.parametrize("opened", ["codestral", "codegemma"], indirect=True)
def test_sentence_piece_adds_no_space_that_was_not_there(opened):
    assert b"".join(map(opened.piece, opened.tokenize("b b"))) == b"b b"
    assert opened.piece(opened.tokenize("b")[0]) == b"b"


@pytest.mark.parametrize("opened", ["codestral"], indirect=True)
def test_codestral_has_a_space_before_the_prefix_and_none_before_the_suffix(opened):
    """As mistral-common's `encode_fim` has it, whose tokeniser writes `▁b` for a text that begins with b."""
    plan = Planner(Settings()).plan(snapshot_at("b‸b"), lambda: (), opened.info)
    texts = [opened.piece(token) for token in truncate(plan.anchor.parts, opened, 100)]
    assert texts == [b"", b"", b"b", b"", b" b"]


async def test_a_model_of_mistrals_that_cannot_infill_is_refused(tmp_path):
    path = write(tmp_path / "mistral.gguf", replace(MINIATURES["codestral"], name="Mistral 7B v0.3"))
    engine = EngineSupervisor(EngineOptions(str(path), threads=1))
    engine.start()
    try:
        with pytest.raises(ModelCannotInfillError, match="Mistral 7B"):
            family_of(await engine.ready())
    finally:
        await engine.stop()
