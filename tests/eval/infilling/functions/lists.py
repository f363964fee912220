"""Functions on lists, each followed by the function that checks it."""

import bisect
import heapq
from itertools import pairwise


def merge_sorted(left, right):
    """One sorted list of two."""
    merged = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1

    merged.extend(left[i:])
    merged.extend(right[j:])
    return merged


def check_merge_sorted(candidate):
    assert candidate([1, 3, 5], [2, 4]) == [1, 2, 3, 4, 5]
    assert candidate([], [1]) == [1]
    assert candidate([1, 1], [1]) == [1, 1, 1]


def chunks(items, size):
    """Lists of at most `size` items."""
    if size < 1:
        raise ValueError("size must be positive")
    return [items[start : start + size] for start in range(0, len(items), size)]


def check_chunks(candidate):
    assert candidate([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert candidate([], 3) == []
    try:
        candidate([1], 0)
    except ValueError:
        return
    raise AssertionError


def first_gap(numbers):
    """The smallest positive integer that is not among the numbers."""
    seen = set(numbers)
    candidate = 1
    while candidate in seen:
        candidate += 1
    else:
        seen.clear()
    return candidate


def check_first_gap(candidate):
    assert candidate([1, 2, 4]) == 3
    assert candidate([]) == 1
    assert candidate([3, -1]) == 1


def transpose(matrix):
    """Columns as rows."""
    if not matrix:
        return []
    width = len(matrix[0])
    for row in matrix:
        if len(row) != width:
            raise ValueError("rows of different lengths")
    result = []
    for column in range(width):
        result.append([row[column] for row in matrix])
    return result


def check_transpose(candidate):
    assert candidate([[1, 2], [3, 4], [5, 6]]) == [[1, 3, 5], [2, 4, 6]]
    assert candidate([]) == []
    try:
        candidate([[1], [1, 2]])
    except ValueError:
        return
    raise AssertionError


def spiral(matrix):
    """The numbers of a matrix from the outside in, clockwise."""
    found = []
    rows = [list(row) for row in matrix]
    while rows:
        found += rows.pop(0)
        for row in rows:
            if row:
                found.append(row.pop())
        if rows:
            found += reversed(rows.pop())
        for row in reversed(rows):
            if row:
                found.append(row.pop(0))
    return found


def check_spiral(candidate):
    assert candidate([[1, 2, 3], [4, 5, 6], [7, 8, 9]]) == [1, 2, 3, 6, 9, 8, 7, 4, 5]
    assert candidate([[1, 2], [3, 4]]) == [1, 2, 4, 3]
    assert candidate([]) == []


def insert_sorted(items, *, reverse=False):
    """A sorted copy, by insertion."""
    result = []
    for item in items:
        position = bisect.bisect_right(result, item)
        result.insert(position, item)
    if reverse:
        result.reverse()
    return result


def check_insert_sorted(candidate):
    assert candidate([3, 1, 2]) == [1, 2, 3]
    assert candidate([3, 1, 2], reverse=True) == [3, 2, 1]


def merge_ranges(ranges):
    """Ranges that overlap or touch become one."""
    merged = []
    for start, end in sorted(ranges):
        if start > end:
            raise ValueError(f"{start} is behind {end}")
        if merged and start <= merged[-1][1]:
            last_start, last_end = merged.pop()
            merged.append((last_start, max(last_end, end)))
        else:
            merged.append((start, end))
    return merged


def check_merge_ranges(candidate):
    assert candidate([(5, 7), (1, 3), (2, 4)]) == [(1, 4), (5, 7)]
    assert candidate([(1, 9), (2, 3)]) == [(1, 9)]
    try:
        candidate([(2, 1)])
    except ValueError as error:
        assert "behind" in str(error)
    else:
        raise AssertionError


def largest(items, count, key=None):
    """The largest items, the largest first; equal ones in their order."""
    key = key or (lambda item: item)
    heap = []
    for number, item in enumerate(items):
        entry = (key(item), -number, item)
        if len(heap) < count:
            heapq.heappush(heap, entry)
        elif heap and entry > heap[0]:
            heapq.heapreplace(heap, entry)
    return [item for _, _, item in sorted(heap, reverse=True)]


def check_largest(candidate):
    assert candidate([4, 1, 9, 7], 2) == [9, 7]
    assert candidate(["aa", "b", "cc"], 2, key=len) == ["aa", "cc"]
    assert candidate([1], 0) == []


def is_monotonic(numbers):
    """Whether numbers only rise, or only fall."""
    rises = all(a <= b for a, b in pairwise(numbers))
    falls = all(a >= b for a, b in pairwise(numbers))
    return rises or falls


def check_is_monotonic(candidate):
    assert candidate([1, 2, 2, 5])
    assert candidate([5, 1])
    assert not candidate([1, 3, 2])
    assert candidate([])
