"""Functions on numbers and by recursion, each followed by the function that checks it."""

import math
from functools import lru_cache


def primes_below(limit):
    """All primes below a limit, by Eratosthenes' sieve."""
    is_prime = [True] * max(limit, 2)
    is_prime[0] = False
    is_prime[1] = False
    for number in range(2, math.isqrt(max(limit, 0)) + 1):
        if is_prime[number]:
            for multiple in range(number * number, limit, number):
                is_prime[multiple] = False
    return [number for number in range(2, limit) if is_prime[number]]


def check_primes_below(candidate):
    assert candidate(20) == [2, 3, 5, 7, 11, 13, 17, 19]
    assert candidate(2) == []
    assert candidate(0) == []


def to_roman(number):
    """A number from 1 to 3999 in Roman numerals."""
    if not 0 < number < 4000:
        raise ValueError(number)
    signs = [
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"),
        (100, "C"), (90, "XC"), (50, "L"), (40, "XL"),
        (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ]  # fmt: skip
    text = ""
    for value, sign in signs:
        count, number = divmod(number, value)
        text += sign * count
    return text


def check_to_roman(candidate):
    assert candidate(1994) == "MCMXCIV"
    assert candidate(3999) == "MMMCMXCIX"
    try:
        candidate(0)
    except ValueError:
        return
    raise AssertionError


def hanoi(count, source="a", target="c", spare="b"):
    """The moves that bring a tower from one peg to another."""
    if count == 0:
        return []
    before = hanoi(count - 1, source, spare, target)
    after = hanoi(count - 1, spare, target, source)
    return [*before, (source, target), *after]


def check_hanoi(candidate):
    assert candidate(2) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert len(candidate(5)) == 31
    assert candidate(0) == []


def num_ways(amount, coins):
    """In how many ways coins make an amount."""
    ways = [0] * (amount + 1)
    ways[0] = 1
    for coin in coins:
        for total in range(coin, amount + 1):
            ways[total] += ways[total - coin]
    return ways[amount]


def check_num_ways(candidate):
    assert candidate(5, [1, 2, 5]) == 4
    assert candidate(3, [2]) == 0
    assert candidate(0, [7]) == 1


def edit_distance(left, right):
    """The fewest insertions, deletions and replacements between two texts."""

    @lru_cache(maxsize=None)
    def distance(i, j):
        if i == 0 or j == 0:
            return i + j
        if left[i - 1] == right[j - 1]:
            return distance(i - 1, j - 1)
        inserted = distance(i, j - 1)
        deleted = distance(i - 1, j)
        replaced = distance(i - 1, j - 1)
        return 1 + min(inserted, deleted, replaced)

    return distance(len(left), len(right))


def check_edit_distance(candidate):
    assert candidate("kitten", "sitting") == 3
    assert candidate("", "abc") == 3
    assert candidate("same", "same") == 0


def permutations(items):
    """All orders of the items."""
    if len(items) <= 1:
        return [list(items)]
    orders = []
    for index, item in enumerate(items):
        rest = items[:index] + items[index + 1 :]
        for order in permutations(rest):
            orders.append([item, *order])
    return orders


def check_permutations(candidate):
    assert candidate([1, 2, 3]) == [[1, 2, 3], [1, 3, 2], [2, 1, 3], [2, 3, 1], [3, 1, 2], [3, 2, 1]]
    assert candidate([]) == [[]]


def newton_root(value, tolerance=1e-9):
    """The square root by Newton's method. Raises `ValueError` below zero."""
    if value < 0:
        raise ValueError("no real root")
    if value == 0:
        return 0.0
    guess = value if value >= 1 else 1.0
    while abs(guess * guess - value) > tolerance * max(value, 1.0):
        guess = (guess + value / guess) / 2
    return guess


def check_newton_root(candidate):
    assert abs(candidate(2) - 2**0.5) < 1e-6
    assert candidate(0) == 0.0
    assert abs(candidate(0.25) - 0.5) < 1e-6


def collatz(number):
    """How many steps lead to one, and the highest number on the way."""
    steps = 0
    highest = number
    while number != 1:
        if number % 2 == 0:
            number //= 2
        else:
            number = 3 * number + 1
        highest = max(highest, number)
        steps += 1
    return steps, highest


def check_collatz(candidate):
    assert candidate(6) == (8, 16)
    assert candidate(1) == (0, 1)


def statistics_of(values):
    """Mean, median and the standard deviation of some values."""
    ordered = sorted(values)
    count = len(ordered)
    mean = sum(ordered) / count
    middle = count // 2
    if count % 2:
        median = ordered[middle]
    else:
        median = (ordered[middle - 1] + ordered[middle]) / 2
    variance = sum((value - mean) ** 2 for value in ordered) / count
    return {
        "mean": mean,
        "median": median,
        "deviation": math.sqrt(variance),
    }


def check_statistics_of(candidate):
    found = candidate([4, 2, 6])
    assert found["mean"] == 4
    assert found["median"] == 4
    assert abs(found["deviation"] - 1.632993) < 1e-5
    assert candidate([1, 2])["median"] == 1.5


def paths_in_grid(grid):
    """How many ways lead from the upper left to the lower right, going right or down; `#` is a wall."""
    height = len(grid)
    width = len(grid[0])

    def count(row, column):
        if row >= height or column >= width:
            return 0
        if grid[row][column] == "#":
            return 0
        if row == height - 1 and column == width - 1:
            return 1
        return count(row + 1, column) + count(row, column + 1)

    return count(0, 0)


def check_paths_in_grid(candidate):
    assert candidate(["...", ".#.", "..."]) == 2
    assert candidate(["..", "#."]) == 1
    assert candidate(["#"]) == 0
