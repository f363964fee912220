"""Documents stay the same as the client's, whatever their characters, line breaks and position encoding."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsp_server.text import document as document_module
from lsp_server.text import units as units_module
from lsp_server.text.document import Document, Position, split_lines
from lsp_server.text.place import Place
from lsp_server.text.snapshot import normalize
from lsp_server.text.units import num_units, units_to_code_points

ENCODINGS = ("utf-8", "utf-16", "utf-32")

# Characters of one, two, three and four bytes; halves of characters; what only Python calls a line break.
CHARACTERS = "ab \té×…中😀𝔘\ud83d\udc00\f\v\x1c\x85\u2028\u2029\ufeff\u0301\0"
LINE_BREAKS = ("\n", "\r\n", "\r")

encodings = st.sampled_from(ENCODINGS)
characters = st.sampled_from(CHARACTERS)
texts = st.lists(characters | st.sampled_from(LINE_BREAKS), max_size=25).map("".join)
lines = st.text(characters, max_size=12)


# The reference: a flat string, and nothing of the code under test


def width(character, encoding):
    """Code units of a character, from the definitions of the encodings."""
    code = ord(character)
    if encoding == "utf-32":
        return 1
    if encoding == "utf-16":
        return 2 if code > 0xFFFF else 1
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


def with_pairs_joined(text):
    """A high and a low half next to each other are one character."""
    joined = []
    for character in text:
        if joined and "\ud800" <= joined[-1] <= "\udbff" and "\udc00" <= character <= "\udfff":
            high, low = ord(joined.pop()), ord(character)
            character = chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
        joined.append(character)
    return "".join(joined)


def line_starts(text):
    starts = [0]
    for index, character in enumerate(text):
        if character == "\n" or (character == "\r" and text[index + 1 : index + 2] != "\n"):
            starts.append(index + 1)
    return starts


class ReferenceClient:
    """An editor's buffer: offsets into one string; positions are counted character by character."""

    def __init__(self, text, encoding):
        self.text = with_pairs_joined(text)
        self.encoding = encoding

    def places(self):
        """Every offset a cursor can stand at: not inside a character, not between `\\r` and `\\n`."""
        return [i for i in range(len(self.text) + 1) if self.text[i - 1 : i + 1] != "\r\n" or i == 0]

    def position(self, offset):
        line = character = 0
        for index, each in enumerate(self.text[:offset]):
            if each == "\n" or (each == "\r" and self.text[index + 1 : index + 2] != "\n"):
                line, character = line + 1, 0
            else:
                character += width(each, self.encoding)
        return Position(line, character)

    def replace(self, start, end, text):
        self.text = with_pairs_joined(self.text[:start] + text + self.text[end:])


def new_document(text):
    return Document("file:///a.py", "a.py", "python", 1, with_pairs_joined(text))


# Positions


@given(lines, encodings)
def test_units_are_counted_as_the_encodings_define_them(line, encoding):
    assert num_units(line, encoding) == sum(width(character, encoding) for character in line)


@given(lines, encodings, st.integers(-3, 60))
def test_units_become_the_character_they_are_in(line, encoding, units):
    ends = [0]
    for character in line:
        ends.append(ends[-1] + width(character, encoding))
    inside = [index for index, (start, end) in enumerate(pairwise(ends)) if start <= units < end]
    expected = inside[0] if inside else 0 if units < 0 else len(line)
    assert units_to_code_points(line, units, encoding) == expected


@given(texts, encodings, st.data())
def test_positions_go_to_code_points_and_back(text, encoding, data):
    client = ReferenceClient(text, encoding)
    document = new_document(text)
    offset = data.draw(st.sampled_from(client.places()))
    position = client.position(offset)
    code_points = document.code_points(position, encoding)
    assert code_points == ReferenceClient(text, "utf-32").position(offset)
    assert document.units(code_points, encoding) == position


@given(texts, encodings, st.integers(-2, 30), st.integers(-2, 200))
def test_a_position_outside_the_text_is_moved_into_it(text, encoding, line, character):
    document = new_document(text)
    found = document.code_points(Position(line, character), encoding)
    last = document.num_lines - 1
    assert 0 <= found.line <= last
    assert 0 <= found.character <= len(document.line(found.line))
    if line > last:
        assert found == Position(last, len(document.line(last)))
    elif line < 0:
        assert found == Position(0, 0)
    else:
        assert found.line == line
        if character >= num_units(document.line(line), encoding):
            assert found.character == len(document.line(line))


@given(texts)
def test_lines_are_those_of_the_standard(text):
    text = with_pairs_joined(text)
    assert "".join(split_lines(text)) == text
    document = new_document(text)
    starts = line_starts(text)
    assert document.num_lines == len(starts)
    for index, (start, end) in enumerate(pairwise([*starts, len(text)])):
        assert document.line(index) == re.sub(r"(\r\n|\r|\n)\Z", "", text[start:end])


# Edits


@settings(max_examples=250)
@given(texts, encodings, st.data())
def test_edits_leave_both_sides_with_the_same_text(text, encoding, data):
    client = ReferenceClient(text, encoding)
    document = new_document(text)
    for _ in range(data.draw(st.integers(1, 8))):
        start, end = sorted(data.draw(st.tuples(*[st.sampled_from(client.places())] * 2)))
        new = data.draw(texts)
        document.edit(client.position(start), client.position(end), new, encoding)
        client.replace(start, end, new)
        assert document.text == client.text
        assert document._lines == split_lines(client.text)
    position = client.position(len(client.text))
    assert document.code_points(position, encoding) == ReferenceClient(client.text, "utf-32").position(len(client.text))


@given(texts, texts, encodings)
def test_a_whole_text_replaces_a_whole_text(before, after, encoding):
    document = new_document(before)
    document.replace(with_pairs_joined(after))
    assert document.text == with_pairs_joined(after)
    end = Position(document.num_lines + 5, 0)
    document.edit(Position(0, 0), end, with_pairs_joined(before), encoding)
    assert document.text == with_pairs_joined(before)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("text", "start", "end", "new", "expected"),
    [
        ("a\rb", (1, 0), (1, 0), "\n", "a\r\nb"),
        ("a\r\rb", (1, 0), (1, 0), "\n", "a\r\n\rb"),
        ("a\r\nb", (0, 0), (0, 1), "x\r", "x\r\r\nb"),
        ("a\nb", (0, 1), (0, 1), "\r", "a\r\nb"),
        ("a\r\nb", (0, 1), (1, 0), "", "ab"),
        ("a\nb\nc", (2, 1), (0, 1), "-", "a-"),  # a range that is the wrong way round
        ("", (0, 0), (0, 0), "\r", "\r"),
        ("\r", (1, 0), (1, 0), "\n", "\r\n"),
        ("a\n", (9, 9), (9, 9), "b", "a\nb"),
    ],
)
def test_line_breaks_that_an_edit_joins_or_parts(text, start, end, new, expected, encoding):
    document = new_document(text)
    document.edit(Position(*start), Position(*end), new, encoding)
    assert document.text == expected
    assert document._lines == split_lines(expected)


@pytest.mark.parametrize(("encoding", "units"), [("utf-16", 1), ("utf-8", 3), ("utf-32", 1)])
def test_halves_of_a_character_in_two_edits_become_one(encoding, units):
    document = new_document("x")
    document.edit(Position(0, 1), Position(0, 1), "\ud83d", encoding)
    document.edit(Position(0, 1 + units), Position(0, 1 + units), "\ude00", encoding)
    assert document.text == "x😀"
    document.edit(Position(0, 0), Position(0, 1), "", encoding)
    assert document.snapshot(0, 1).prefix == "😀"


# Snapshots


@given(texts, st.integers(-2, 12), st.integers(-2, 30))
def test_a_snapshot_is_the_whole_text_parted_at_the_cursor(text, line, character):
    document = new_document(text)
    snapshot = document.snapshot(line, character)
    assert snapshot.line == max(0, min(line, document.num_lines - 1))
    content = document.line(snapshot.line)
    assert snapshot.character == max(0, min(character, len(content)))
    assert snapshot.prefix + snapshot.suffix == normalize(document.text)
    assert snapshot.prefix.count("\n") == snapshot.line
    assert snapshot.line_prefix == normalize(content[: snapshot.character])
    assert snapshot.line_suffix == normalize(content[snapshot.character :])
    (snapshot.prefix + snapshot.suffix).encode()


@given(texts)
def test_normal_text_can_be_encoded_and_keeps_its_length_in_each_line(text):
    joined = with_pairs_joined(text)
    normal = normalize(joined)
    assert "\r" not in normal
    normal.encode()
    assert [len(line) for line in normal.split("\n")] == [len(line) for line in re.split(r"\r\n|\r|\n", joined)]
    assert normalize(normal) == normal


@pytest.mark.parametrize(("text", "expected"), [("a", "\n"), ("a\r\nb\n", "\r\n"), ("a\rb", "\r"), ("\na\r\n", "\n")])
def test_the_line_break_is_that_of_the_first_line(text, expected):
    assert new_document(text).snapshot(0, 0).line_break == expected


def test_a_snapshot_says_whose_it_is():
    document = Document("file:///p/b.lua", "p/b.lua", "lua", 7, "x")
    snapshot = document.snapshot(0, 1)
    assert (snapshot.uri, snapshot.path, snapshot.language_id, snapshot.version) == (
        "file:///p/b.lua",
        "p/b.lua",
        "lua",
        7,
    )


@pytest.fixture
def small_window(monkeypatch):
    monkeypatch.setattr(document_module, "SNAPSHOT_LINES", 10)
    monkeypatch.setattr(document_module, "SNAPSHOT_STEP_LINES", 4)
    monkeypatch.setattr(document_module, "SNAPSHOT_CHARACTERS", 60)
    monkeypatch.setattr(document_module, "SNAPSHOT_STEP_CHARACTERS", 20)


@pytest.mark.parametrize("line", [0, 1, 9, 10, 13, 14, 50, 98, 99])
def test_a_window_holds_the_lines_near_the_cursor(small_window, line):
    numbers = [f"{number}\n" for number in range(100)]
    snapshot = new_document("".join(numbers)).snapshot(line, 1)
    before, after = "".join(numbers[:line]) + f"{line}"[:1], f"{line}"[1:] + "\n" + "".join(numbers[line + 1 :])
    assert before.endswith(snapshot.prefix)
    assert after.startswith(snapshot.suffix)
    assert min(line, 10) <= snapshot.prefix.count("\n") < 10 + 4
    assert snapshot.suffix.count("\n") == min(100 - line, 11)
    assert (snapshot.line, snapshot.character) == (line, 1)
    head = snapshot.prefix.partition("\n")[0]
    assert line < 14 or int(head) % 4 == 0, "the window's head moves in steps"


def test_a_window_holds_a_head_that_stays_while_the_cursor_moves(small_window):
    document = new_document("".join(f"{number}\n" for number in range(100)))
    heads = [document.snapshot(line, 0).prefix.partition("\n")[0] for line in range(22, 62)]
    assert len(set(heads)) == 10


def test_a_window_is_bounded_in_characters_too(small_window):
    document = new_document("x" * 500 + "\n" + "y" * 500 + "|" + "z" * 500)
    snapshot = document.snapshot(1, 500)
    assert (snapshot.prefix, snapshot.suffix) == ("y" * 41, "|" + "z" * 59)


def test_the_start_of_a_long_text_stays_while_one_types(small_window):
    document = new_document("".join(f"{number}, " for number in range(300)))
    prefixes = [document.snapshot(0, character).prefix for character in range(200, 400)]
    assert all(40 < len(prefix) <= 60 for prefix in prefixes)
    assert sum(not later.startswith(earlier) for earlier, later in pairwise(prefixes)) == 10


# Excerpts


def test_an_excerpt_is_whole_lines_around_the_last_edit(monkeypatch):
    monkeypatch.setattr(document_module, "EXCERPT_CHARACTERS", 40)
    document = new_document("".join(f"line {number}\r\n" for number in range(100)))
    assert document.excerpt.startswith("line 0\n")
    document.edit(Position(50, 0), Position(50, 0), "new ", "utf-16")
    assert "new line 50\n" in document.excerpt
    assert re.fullmatch(r"(line 4\d\n)+new line 50\n(line 5\d\n)+", document.excerpt)
    assert len(document.excerpt) <= 40
    document.replace("short")
    assert document.excerpt == "short"
    document.edit(Position(0, 5), Position(0, 5), "er", "utf-16")
    assert document.excerpt == "shorter"


@given(texts, st.lists(st.tuples(st.integers(0, 30), texts), max_size=4), st.integers(0, 20))
def test_an_excerpt_is_always_some_of_the_lines(text, edits, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(document_module, "EXCERPT_CHARACTERS", size)
        document = new_document(text)
        for line, new in edits:
            document.edit(Position(line, 0), Position(line, 0), new, "utf-32")
            document.excerpt  # noqa: B018  (kept between edits, and must not be kept too long)
        excerpt = document.excerpt
    assert len(excerpt) <= size
    all_lines = [normalize(line) for line in document._lines]
    assert any(
        excerpt == "".join(all_lines[first:last])
        for first in range(len(all_lines) + 1)
        for last in range(first, len(all_lines) + 1)
    )


def test_a_frozen_document_stays_as_it_was():
    document = Document("file:///p/b.lua", "p/b.lua", "lua", 7, "a\r\nb\ud800\rc\n")
    frozen = document.frozen()
    document.edit(Position(0, 0), Position(1, 0), "x", "utf-16")
    document.version = 8
    assert frozen.lines == ("a", "b\ufffd", "c", "")
    assert (frozen.version, frozen.path, frozen.num_lines, frozen.line_break) == (7, "p/b.lua", 4, "\r\n")
    assert frozen.snapshot(1, 1).prefix == "a\nb"
    assert document.frozen().lines == ("xb\ufffd", "c", "")


def test_a_document_is_frozen_once_an_edit():
    places = {"now": Place("a")}
    document = Document("file:///a", lambda: places["now"], "lua", 1, "a\n")
    frozen = document.frozen()
    assert document.frozen() is frozen
    places["now"] = Place("p/a", "p", "/p")
    assert document.frozen() != frozen
    places["now"] = Place("a")
    again = document.frozen()
    assert again == frozen
    document.version = 2
    assert document.frozen() != frozen
    document.replace("b\n")
    assert document.frozen().lines == ("b", "")


@given(texts)
def test_a_frozen_document_has_as_many_lines_and_characters(text):
    joined = with_pairs_joined(text)
    frozen = Document("file:///a", "a", "lua", 1, joined).frozen()
    assert [len(line) for line in frozen.lines] == [len(frozen.line(number)) for number in range(frozen.num_lines)]


@given(texts, st.sampled_from(ENCODINGS), st.data())
def test_marks_of_earlier_places_change_no_place(text, encoding, data):
    """A place is found from the last one that was looked for. Fresh documents know no such place."""
    document = Document("file:///a", "a", "python", 1, text)
    for _ in range(data.draw(st.integers(0, 6))):
        line = data.draw(st.integers(0, document.num_lines - 1))
        place = Position(line, data.draw(st.integers(0, 30)))
        fresh = Document("file:///a", "a", "python", 1, document.text)
        assert document.code_points(place, encoding) == fresh.code_points(place, encoding)
        index = data.draw(st.integers(0, len(document.line(line))))
        expected = num_units(document.line(line)[:index], encoding)
        assert document.units(Position(line, index), encoding).character == expected
        assert document.frozen().units(Position(line, index), encoding).character == expected
        if data.draw(st.booleans()):
            document.edit(place, data.draw(st.sampled_from([place, Position(line, place.character + 2)])),
                          data.draw(texts), encoding)  # fmt: skip


@pytest.mark.parametrize("filler", ["é", "😀", "中", "e\u0301"])
@pytest.mark.parametrize("rest", [0, 2])
def test_a_keystroke_reads_little_of_a_huge_line(monkeypatch, filler, rest):
    """Its place is near the last one, so only the text between them is measured."""
    measured = []
    monkeypatch.setattr(units_module, "num_units", lambda text, encoding: measured.append(len(text)) or width_of(text))

    def width_of(text):
        return sum(width(character, "utf-16") for character in text)

    line = filler * 50_000
    document = Document("file:///a", "a", "javascript", 1, f"{line}{')' * rest}\n")
    place = Position(0, width_of(line))
    document.edit(place, place, "x", "utf-16")
    measured.clear()
    for number in range(1, 20):
        place = Position(0, width_of(line) + number)
        document.edit(place, place, "x", "utf-16")
        cursor = document.code_points(Position(0, place.character + 1), "utf-16")
        assert cursor == Position(0, len(line) + number + 1)
        document.units(cursor, "utf-16")
    assert sum(measured) < 20 * 20
    back = Position(0, place.character - 5)
    document.edit(back, place, "", "utf-16")
    assert document.line(0) == line + "x" * (20 - 5) + ")" * rest
    assert sum(measured) < 21 * 20


@pytest.mark.parametrize("character", ["x", "é", "😀"])
@pytest.mark.parametrize("at", [0, 1, 250_000, 499_999])
@pytest.mark.parametrize("width_of_lines", [1, 60, 1000, 500_000])
def test_a_snapshot_is_bounded_in_any_document(character, at, width_of_lines):
    line = character * width_of_lines + "\n"
    text = line * (500_000 // width_of_lines)
    document = Document("file:///a", "a", "python", 1, text)
    snapshot = document.snapshot(at // width_of_lines, at % width_of_lines)
    assert len(snapshot.prefix) <= document_module.SNAPSHOT_CHARACTERS
    assert len(snapshot.suffix) <= document_module.SNAPSHOT_CHARACTERS
    before = at + at // width_of_lines
    assert text[:before].endswith(snapshot.prefix)
    assert text[before:].startswith(snapshot.suffix)
    assert bool(snapshot.prefix) == bool(before)
