"""Functions on dictionaries, each followed by the function that checks it."""

from collections import Counter, defaultdict


def group_by_length(words):
    """Words by how long they are, sorted, without those that come twice."""
    groups = defaultdict(set)
    for word in words:
        groups[len(word)].add(word)
    return {length: sorted(group) for length, group in sorted(groups.items())}


def check_group_by_length(candidate):
    assert candidate(["bb", "a", "aa", "a"]) == {1: ["a"], 2: ["aa", "bb"]}
    assert candidate([]) == {}


def deep_merge(base, extra):
    """A dictionary of two; where both have dictionaries, these are merged too."""
    merged = dict(base)
    for key, value in extra.items():
        if key in merged and isinstance(merged[key], dict) and isinstance(value, dict):
            merged[key] = deep_merge(merged[key], value)
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def check_deep_merge(candidate):
    assert candidate({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}) == {"a": {"b": 3, "c": 2}}
    assert candidate({"a": 1}, {"a": None, "b": 2}) == {"b": 2}


def invert(mapping):
    """Values to lists of the keys that have them."""
    inverted = {}
    for key, value in mapping.items():
        inverted.setdefault(value, []).append(key)
    for keys in inverted.values():
        keys.sort()
    return inverted


def check_invert(candidate):
    assert candidate({"b": 1, "a": 1, "c": 2}) == {1: ["a", "b"], 2: ["c"]}
    assert candidate({}) == {}


def flatten(tree, separator="."):
    """Dotted keys of a nested dictionary."""
    flat = {}

    def visit(node, path):
        for key, value in node.items():
            name = separator.join([*path, str(key)])
            if isinstance(value, dict) and value:
                visit(value, [*path, str(key)])
            else:
                flat[name] = value

    visit(tree, [])
    return flat


def check_flatten(candidate):
    assert candidate({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {"a.b": 1, "a.c.d": 2, "e": 3}
    assert candidate({"a": {}}, "/") == {"a": {}}


def most_common_words(text, count):
    """The words that come most often, ties in alphabetic order."""
    words = [word.strip(".,;:!?").lower() for word in text.split()]
    counted = Counter(word for word in words if word)
    ranked = sorted(
        counted.items(),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return [word for word, _ in ranked[:count]]


def check_most_common_words(candidate):
    assert candidate("The cat. The dog, the bird; a dog!", 2) == ["the", "dog"]
    assert candidate("b a", 5) == ["a", "b"]


def order_by_needs(needs):
    """Names so that each comes behind what it needs. Raises `ValueError` for a circle."""
    ordered = []
    state = {}

    def visit(name):
        if state.get(name) == "done":
            return
        if state.get(name) == "open":
            raise ValueError(f"{name} needs itself")
        state[name] = "open"
        for other in sorted(needs.get(name, ())):
            visit(other)
        state[name] = "done"
        ordered.append(name)

    for name in sorted(needs):
        visit(name)
    return ordered


def check_order_by_needs(candidate):
    assert candidate({"app": ["log", "net"], "net": ["log"]}) == ["log", "net", "app"]
    try:
        candidate({"a": ["b"], "b": ["a"]})
    except ValueError:
        return
    raise AssertionError


def apply_orders(stock, orders):
    """What is left of a stock, and the orders that could not be served."""
    left = dict(stock)
    refused = []
    for order in orders:
        name = order["name"]
        amount = order.get("amount", 1)
        if name not in left:
            refused.append({"name": name, "reason": "unknown"})
            continue
        if left[name] < amount:
            refused.append({"name": name, "reason": "too few"})
            continue
        left[name] -= amount
        if left[name] == 0:
            del left[name]
    return left, refused


def check_apply_orders(candidate):
    left, refused = candidate(
        {"nut": 3, "bolt": 1},
        [{"name": "nut", "amount": 2}, {"name": "bolt"}, {"name": "gear"}, {"name": "nut", "amount": 9}],
    )
    assert left == {"nut": 1}
    assert refused == [{"name": "gear", "reason": "unknown"}, {"name": "nut", "reason": "too few"}]
