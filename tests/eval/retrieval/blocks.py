"""How many of the names that a line needs stand in the blocks of its prompt, by way to choose blocks."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lsp_server.base.errors import InfillError
from lsp_server.base.token_estimate import CHARACTERS_PER_TOKEN
from lsp_server.context.candidates import Gathered
from lsp_server.context.gate import named
from lsp_server.context.gather import gather
from lsp_server.context.nearest_files import choose_nearest_files
from lsp_server.context.ranking import rank
from lsp_server.context.resolver import Resolver
from lsp_server.index.build import Builder
from lsp_server.index.database import open_for_reading
from lsp_server.index.folder import Folder
from lsp_server.index.reader import IndexedChunk, Reader
from lsp_server.index.words import terms, terms_of
from lsp_server.text.document import Document
from lsp_server.text.excerpts import Block, Neighbour
from lsp_server.text.snapshot import Snapshot
from tests.eval.retrieval.ground_truth import Need, Project

BUDGETS = (256, 512, 1024, 2048)
SEED = 8
MAX_OPEN = 8
RANDOM_LINES = 32
MAX_QUERY_TERMS = 200
LINES_BEFORE, LINES_AFTER = 15, 5

_WORD = re.compile(r"[^\W\d]\w*")

# Packages by the name of their distribution, with the pinned version and the package's folder. The scores of sources
# were tuned on some of them. The others are held out.
TUNED_ON = {
    "aiohttp": ("3.14.5", "aiohttp"),
    "anyio": ("4.16.0", "anyio"),
    "huggingface-hub": ("2.4.0", "huggingface_hub"),
    "rich": ("15.0.0", "rich"),
}
HELD_OUT = {
    "hypothesis": ("6.170.15", "hypothesis"),
    "jinja2": ("3.1.6", "jinja2"),
    "mypy": ("2.4.1", "mypy"),
    "pygls": ("2.1.1", "pygls"),
    "pytest": ("9.2.0", "_pytest"),
}
WAYS = ("infill", "BM25", "open files", "random chunks")
KINDS = ("imported", "members")

Chooser = Callable[[int], Sequence[Block]]


@dataclass(frozen=True, slots=True)
class RetrievalTarget:
    """A line removed from its file, and the names that it needs.

    `expected` is the line after its indentation. `whole` is the file with the line.
    """

    project: str
    need: Need
    snapshot: Snapshot
    expected: str
    whole: str


class Share(msgspec.Struct):
    """How many of the needed names stood in the blocks."""

    found: int = 0
    needed: int = 0

    @property
    def value(self) -> float:
        """From 0 to 1."""
        return self.found / self.needed if self.needed else 0.0


class WayRow(msgspec.Struct):
    """One way to choose blocks: the shares by kind of name, one for each of `BUDGETS`."""

    way: str
    imported: list[Share]
    members: list[Share]


class RetrievalResult(msgspec.Struct):
    """The results of some projects: their names with versions, the number of holes, and a row for each way."""

    projects: list[str]
    num_holes: int
    rows: list[WayRow]

    @staticmethod
    def empty() -> RetrievalResult:
        """Before the first measurement."""
        return RetrievalResult(
            [], 0, [WayRow(way, [Share() for _ in BUDGETS], [Share() for _ in BUDGETS]) for way in WAYS]
        )

    def add(self, way: str, index: int, need: Need, blocks: Sequence[Block]) -> None:
        """Count which names of a need stand in the blocks of one budget."""
        words = {word for block in blocks for word in _WORD.findall(block.text)}
        row = self.rows[WAYS.index(way)]
        for share, names in ((row.imported[index], need.imported), (row.members[index], need.members)):
            share.found += len(names & words)
            share.needed += len(names)


def measure(packages: Mapping[str, tuple[str, str]], max_holes: int, say: Callable[[str], None]) -> RetrievalResult:
    """Measure every way in some packages, with at most `max_holes` of each kind in each. Raises `InfillError`."""
    rng = random.Random(SEED)
    result = RetrievalResult.empty()
    roots = {name: locate(name, *where) for name, where in packages.items()}
    for name, root in roots.items():
        with tempfile.TemporaryDirectory(prefix="infill-retrieval-") as folder:
            project = ProjectBench.of_copy(name, root, Path(folder))
            holes = project.holes(max_holes, rng)
            result.projects.append(f"{name} {packages[name][0]}")
            result.num_holes += len(holes)
            for number, hole in enumerate(holes, 1):
                say(f"{name} {number}/{len(holes)}")
                for way, choose in project.ways(hole, rng):
                    for index, budget in enumerate(BUDGETS):
                        result.add(way, index, hole.need, choose(budget))
            project.close()
    return result


class ProjectBench:
    """One project: its files, its index, and every way to choose blocks for a hole in it."""

    def __init__(self, name: str, root: Path, index: Path) -> None:
        self.name = name
        self._folder = Folder(root)
        texts = {state.path: self._folder.read(state.path) or "" for state in self._folder.walk()}
        self.files = {path: text for path, text in texts.items() if path.endswith(".py")}
        self.project = Project(root.name, self.files)
        builder = Builder(root, index)
        builder.scan()
        builder.close()
        connection = open_for_reading(index)
        assert connection is not None
        self._connection = connection
        self._reader = BlindReader(connection)
        self._resolver = Resolver(self._reader, root.name)

    @classmethod
    def of_copy(cls, name: str, root: Path, folder: Path) -> ProjectBench:
        """A project copied to a folder, because an installed package may be where git ignores all."""
        return cls(name, shutil.copytree(root, folder / root.name), folder / "index.sqlite")

    def close(self) -> None:
        """Close the index."""
        self._connection.close()

    def holes(self, max_holes: int, rng: random.Random) -> list[RetrievalTarget]:
        """Lines that need a name, at most so many of each kind."""
        needs = list(self.project.needs())
        rng.shuffle(needs)
        imported = [need for need in needs if need.imported][:max_holes]
        members = [need for need in needs if need.members and not need.imported][:max_holes]
        return [self._hole(need) for need in imported + members]

    def _hole(self, need: Need) -> RetrievalTarget:
        lines = self.files[need.path].split("\n")
        expected = lines[need.line]
        indentation = expected[: len(expected) - len(expected.lstrip())]
        lines[need.line] = indentation
        document = Document(f"file:///{need.path}", need.path, "python", 0, "\n".join(lines), self.name)
        return RetrievalTarget(
            self.name,
            need,
            document.snapshot(need.line, len(indentation)),
            expected[len(indentation) :],
            self.files[need.path],
        )

    def gather(self, hole: RetrievalTarget) -> Gathered:
        """What the sources find for a hole. The index has the whole file, so the removed line is hidden from them."""
        self._reader.hide(hole)
        return gather(hole.snapshot, self._reader, self._resolver, self._lines, lambda: 0.0)

    def popularity(self, names: Sequence[str]) -> dict[str, int]:
        """At how many places names stand, without the removed line."""
        return self._resolver.popularity(names)

    def ways(self, hole: RetrievalTarget, rng: random.Random) -> Iterator[tuple[str, Chooser]]:
        """Every way to choose blocks."""
        neighbours = self._open_files(hole, rng)
        gathered = self.gather(hole)
        yield "infill", lambda budget: rank(hole.snapshot, gathered, budget)
        yield "open files", lambda budget: choose_nearest_files(hole.snapshot, named(neighbours), budget)
        chunks = list(self._most_similar(hole))
        yield "BM25", lambda budget: _fill(chunks, budget)
        slices = self._slices(neighbours, rng)
        yield "random chunks", lambda budget: _fill(slices, budget)

    def _lines(self, chunk: IndexedChunk) -> list[str]:
        return self.files.get(chunk.file.path, "").split("\n")[chunk.first : chunk.last]

    def _open_files(self, hole: RetrievalTarget, rng: random.Random) -> list[Neighbour]:
        """Other files as if they were open and edited at a random line. Those that the file imports come first."""
        facts = self.project.facts[hole.need.path]
        related = sorted({*facts.modules.values(), *facts.stars} - {hole.need.path})
        others = [path for path in self.project.facts if path != hole.need.path and path not in related]
        rng.shuffle(related)
        rng.shuffle(others)
        found = []
        for touched, path in enumerate([*related, *others][:MAX_OPEN]):
            document = Document(f"file:///{path}", path, "python", 0, self.files[path])
            document.last_edited_line = rng.randrange(document.num_lines)
            found.append(Neighbour(path, "python", document.excerpt, touched))
        return found

    def _most_similar(self, hole: RetrievalTarget) -> Iterator[Block]:
        """Chunks by BM25 alone, the best first."""
        before = hole.snapshot.prefix.split("\n")[-LINES_BEFORE:]
        after = hole.snapshot.suffix.split("\n")[: LINES_AFTER + 1]
        terms = sorted(terms_of("\n".join(before + after)))[:MAX_QUERY_TERMS]
        query = """SELECT path, first, last FROM words JOIN chunks ON chunks.id = words.rowid JOIN files
                   ON files.id = file WHERE words MATCH ? ORDER BY rank LIMIT 60"""
        matched = " OR ".join(f'"{term}"' for term in terms)
        for path, first, last in self._connection.execute(query, (matched,)) if terms else ():
            if path != hole.need.path and path in self.files:
                yield Block(path, "python", "\n".join(self.files[path].split("\n")[first:last]), "BM25")

    def _slices(self, neighbours: Sequence[Neighbour], rng: random.Random) -> list[Block]:
        """Slices of open files at random places, as llama.vim picks them."""
        found = []
        for _ in range(16):
            path = rng.choice(neighbours).path if neighbours else ""
            lines = self.files.get(path, "").split("\n")
            start = rng.randrange(max(1, len(lines) - RANDOM_LINES))
            found.append(Block(path, "python", "\n".join(lines[start : start + RANDOM_LINES]), "at random"))
        return found


class BlindReader(Reader):
    """An index without the removed line."""

    _hidden: frozenset[str] = frozenset()

    def hide(self, hole: RetrievalTarget) -> None:
        """Remove a line from the counts of terms. This is exact: its names are on no other line of the file."""
        self._hidden = frozenset(term for name in hole.need.imported | hole.need.members for term in terms(name)[:1])

    def frequencies(self, terms: Iterable[str]) -> dict[str, int]:
        """How many files have each term, without the removed line."""
        found = super().frequencies(terms)
        return {term: count for term, known in found.items() if (count := known - (term in self._hidden))}


def _fill(blocks: Sequence[Block], budget: int) -> list[Block]:
    """Blocks in order, as long as there is room. The last one is cut to fit."""
    room = budget * CHARACTERS_PER_TOKEN
    found = []
    for block in blocks:
        if room > 0:
            found.append(Block(block.path, block.language_id, block.text[:room], block.reason))
            room -= len(block.text) + 1
    return found


def locate(distribution: str, version: str, package: str) -> Path:
    """The folder of an installed package of exactly that version. Raises `InfillError`, which says what to install."""
    try:
        found = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        found = "not installed"
    if found != version:
        raise InfillError(f"{distribution} is {found}; run `pip install {distribution}=={version}` first.")
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations)))
