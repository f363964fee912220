"""Generators and longer functions, each followed by the function that checks it."""

from collections import deque


def windows(items, size):
    """Every run of `size` items."""
    window = deque(maxlen=size)
    for item in items:
        window.append(item)
        if len(window) == size:
            yield tuple(window)


def check_windows(candidate):
    assert list(candidate([1, 2, 3, 4], 3)) == [(1, 2, 3), (2, 3, 4)]
    assert list(candidate([1], 2)) == []


def interleave(*sources):
    """One item of each source in turn, until all are at their end."""
    iterators = [iter(source) for source in sources]
    while iterators:
        remaining = []
        for iterator in iterators:
            try:
                yield next(iterator)
            except StopIteration:
                continue
            remaining.append(iterator)
        iterators = remaining


def check_interleave(candidate):
    assert list(candidate("abc", [1], (True, False))) == ["a", 1, True, "b", False, "c"]
    assert list(candidate()) == []


def tokens(text):
    """Numbers, names and signs of an expression."""
    position = 0
    while position < len(text):
        character = text[position]
        start = position
        if character.isspace():
            position += 1
            continue
        if character.isdigit():
            while position < len(text) and text[position].isdigit():
                position += 1
            yield ("number", text[start:position])
        elif character.isalpha():
            while position < len(text) and text[position].isalnum():
                position += 1
            yield ("name", text[start:position])
        else:
            position += 1
            yield ("sign", character)


def check_tokens(candidate):
    assert list(candidate("a1 + 23")) == [("name", "a1"), ("sign", "+"), ("number", "23")]
    assert list(candidate(" ")) == []


def running_average():
    """A generator that is sent numbers and yields their average so far."""
    total = 0.0
    count = 0
    average = None
    while True:
        value = yield average
        if value is None:
            return
        total += value
        count += 1
        average = total / count


def check_running_average(candidate):
    averages = candidate()
    assert next(averages) is None
    assert averages.send(4) == 4
    assert averages.send(8) == 6
    try:
        averages.send(None)
    except StopIteration:
        return
    raise AssertionError


def walk(tree, path=()):
    """Paths and values of the leaves of nested lists and dictionaries."""
    if isinstance(tree, dict):
        for key in sorted(tree):
            yield from walk(tree[key], (*path, key))
    elif isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from walk(item, (*path, index))
    else:
        yield path, tree


def check_walk(candidate):
    assert list(candidate({"b": [1, 2], "a": 3})) == [(("a",), 3), (("b", 0), 1), (("b", 1), 2)]
    assert list(candidate(5)) == [((), 5)]


def shortest_path(edges, start, goal):
    """The fewest steps between two places, as a list of places; None if there is no way."""
    neighbours = {}
    for a, b in edges:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)

    came_from = {start: None}
    queue = deque([start])
    while queue:
        place = queue.popleft()
        if place == goal:
            break
        for other in neighbours.get(place, ()):
            if other not in came_from:
                came_from[other] = place
                queue.append(other)

    if goal not in came_from:
        return None

    path = [goal]
    while came_from[path[-1]] is not None:
        path.append(came_from[path[-1]])
    path.reverse()
    return path


def check_shortest_path(candidate):
    edges = [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("x", "y")]
    assert candidate(edges, "a", "c") in (["a", "b", "c"], ["a", "d", "c"])
    assert candidate(edges, "a", "a") == ["a"]
    assert candidate(edges, "a", "x") is None


def next_generation(cells):
    """Conway's game of life: the cells that live next, of a set of (row, column)."""
    counts = {}
    for row, column in cells:
        for row_step in (-1, 0, 1):
            for column_step in (-1, 0, 1):
                if row_step == 0 and column_step == 0:
                    continue
                cell = (row + row_step, column + column_step)
                counts[cell] = counts.get(cell, 0) + 1

    return {
        cell
        for cell, count in counts.items()
        if count == 3 or (count == 2 and cell in cells)
    }  # fmt: skip


def check_next_generation(candidate):
    assert candidate({(0, 0), (0, 1), (0, 2)}) == {(-1, 1), (0, 1), (1, 1)}
    assert candidate(set()) == set()


def solve_queens(size):
    """The first way to put queens on a board so that none attacks another: their columns by row."""
    placed = []

    def is_safe(row, column):
        for other_row, other_column in enumerate(placed):
            if other_column == column:
                return False
            if abs(other_column - column) == abs(other_row - row):
                return False
        return True

    def place(row):
        if row == size:
            return True
        for column in range(size):
            if is_safe(row, column):
                placed.append(column)
                if place(row + 1):
                    return True
                placed.pop()
        return False

    return placed if place(0) else None


def check_solve_queens(candidate):
    assert candidate(4) == [1, 3, 0, 2]
    assert candidate(3) is None
    assert candidate(1) == [0]


def format_report(title, sections, *, width=40, numbered=False):
    """A report with a heading and sections, underlined."""
    lines = [title.center(width).rstrip(), "=" * width]
    for number, (heading, items) in enumerate(sections.items(), start=1):
        lines.append("")
        lines.append(f"{number}. {heading}" if numbered else heading)
        lines.append("-" * len(lines[-1]))
        if not items:
            lines.append("(none)")
            continue
        for item in items:
            lines.append(f"* {item}")

    return "\n".join(lines) + "\n"


def check_format_report(candidate):
    report = candidate("Stock", {"New": ["nut", "bolt"], "Old": []}, width=9, numbered=True)
    assert report == "  Stock\n=========\n\n1. New\n------\n* nut\n* bolt\n\n2. Old\n------\n(none)\n"
    assert candidate("T", {}, width=3) == " T\n===\n"


def usage(program, options):
    """The help text of a program.

    Options are pairs of a name and what it does; the names are aligned.
    """
    head = f"""usage: {program} [options]

Options:
"""
    width = max((len(name) for name, _ in options), default=0)
    rows = [f"  {name.ljust(width)}  {what}\n" for name, what in options]
    tail = """
Report mistakes to the author.
"""
    return head + "".join(rows) + tail


def check_usage(candidate):
    text = candidate("cut", [("-f", "fields"), ("--all", "everything")])
    assert text.startswith("usage: cut [options]\n\nOptions:\n  -f     fields\n  --all  everything\n")
    assert text.endswith("\nReport mistakes to the author.\n")
