"""Functions with handlers, contexts, patterns and decorators, each followed by the function that checks it."""

import contextlib
import io
import json
from functools import wraps


def read_numbers(lines):
    """The numbers among some lines, and how many lines were none."""
    numbers = []
    num_bad = 0
    for line in lines:
        try:
            number = float(line)
        except ValueError:
            num_bad += 1
        else:
            numbers.append(number)
    return numbers, num_bad


def check_read_numbers(candidate):
    assert candidate(["1", "x", " 2.5 ", ""]) == ([1.0, 2.5], 2)
    assert candidate([]) == ([], 0)


def with_cleanup(action, log):
    """Call an action and log what happened, however it ends."""
    log.append("begin")
    try:
        result = action()
    except KeyError as error:
        log.append(f"missing {error.args[0]}")
        result = None
    except (TypeError, ValueError):
        log.append("wrong")
        raise
    finally:
        log.append("end")
    return result


def check_with_cleanup(candidate):
    log = []
    assert candidate(lambda: 5, log) == 5
    assert candidate(lambda: {}["a"], log) is None
    try:
        candidate(lambda: int("x"), log)
    except ValueError:
        pass
    else:
        raise AssertionError
    assert log == ["begin", "end", "begin", "missing a", "end", "begin", "wrong", "end"]


def retry(times, *errors):
    """A decorator that calls again after errors of these kinds."""
    kinds = errors or (Exception,)

    def decorate(function):
        @wraps(function)
        def wrapper(*args, **kwargs):
            for attempt in range(times):
                try:
                    return function(*args, **kwargs)
                except kinds:
                    if attempt == times - 1:
                        raise
            return None

        return wrapper

    return decorate


def check_retry(candidate):
    calls = []

    @candidate(3, ValueError)
    def fails_twice():
        calls.append(1)
        if len(calls) < 3:
            raise ValueError
        return "done"

    assert fails_twice() == "done"
    assert fails_twice.__name__ == "fails_twice"

    @candidate(2, ValueError)
    def always():
        calls.append(1)
        raise ValueError

    try:
        always()
    except ValueError:
        assert len(calls) == 5
    else:
        raise AssertionError


def evaluate(expression):
    """The value of a nested expression such as `("add", 1, ("neg", 2))`."""
    match expression:
        case int() | float():
            return expression
        case ("neg", operand):
            return -evaluate(operand)
        case ("add", left, right):
            return evaluate(left) + evaluate(right)
        case ("mul", left, right):
            return evaluate(left) * evaluate(right)
        case (name, *_):
            raise ValueError(f"unknown operator {name}")
        case _:
            raise TypeError("no expression")


def check_evaluate(candidate):
    assert candidate(("add", 1, ("mul", 2, ("neg", 3)))) == -5
    for expression, kind in ((("pow", 1, 2), ValueError), ("", TypeError)):
        try:
            candidate(expression)
        except kind:
            continue
        raise AssertionError


def capture(function, *args, prefix="> "):
    """The lines that a function prints, each behind a prefix."""
    buffer = io.StringIO()
    with contextlib.redirect_stdout(buffer):
        function(*args)
    printed = buffer.getvalue()
    return [prefix + line for line in printed.splitlines()]


def check_capture(candidate):
    assert candidate(print, "a\nb") == ["> a", "> b"]
    assert candidate(print, 1, prefix="") == ["1"]


def load_settings(text, defaults):
    """Settings of a JSON text over defaults; problems instead of errors."""
    problems = []
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        return dict(defaults), [f"line {error.lineno}: {error.msg}"]

    if not isinstance(values, dict):
        return dict(defaults), ["not an object"]

    settings = dict(defaults)
    for key, value in values.items():
        if key not in defaults:
            problems.append(f"unknown: {key}")
        elif not isinstance(value, type(defaults[key])):
            problems.append(f"wrong type: {key}")
        else:
            settings[key] = value

    return settings, problems


def check_load_settings(candidate):
    defaults = {"size": 1, "name": "x"}
    assert candidate('{"size": 2}', defaults) == ({"size": 2, "name": "x"}, [])
    assert candidate('{"size": "2", "new": 1}', defaults) == (defaults, ["wrong type: size", "unknown: new"])
    assert candidate("[]", defaults) == (defaults, ["not an object"])
    assert candidate("{", defaults)[1][0].startswith("line 1")


def find_divisor(number):
    """The smallest divisor above one, or None for a prime."""
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            break
        divisor += 1
    else:
        return None
    return divisor


def check_find_divisor(candidate):
    assert candidate(15) == 3
    assert candidate(13) is None
    assert candidate(4) == 2


@contextlib.contextmanager
def changed(mapping, **values):
    """Set values for a while, and put back those that were there."""
    missing = object()
    before = {key: mapping.get(key, missing) for key in values}
    mapping.update(values)
    try:
        yield mapping
    finally:
        for key, value in before.items():
            if value is missing:
                del mapping[key]
            else:
                mapping[key] = value


def check_changed(candidate):
    mapping = {"a": 1}
    with candidate(mapping, a=2, b=3) as inner:
        assert inner == {"a": 2, "b": 3}
    assert mapping == {"a": 1}


def classify(value):
    """A word for the kind of a value."""
    if value is None:
        kind = "nothing"
    elif isinstance(value, bool):
        kind = "truth"
    elif isinstance(value, (int, float)):
        kind = "number"
    elif isinstance(value, str):
        kind = "text"
    elif hasattr(value, "__iter__"):
        kind = "many"
    else:
        kind = "other"
    return kind


def check_classify(candidate):
    values = (None, True, 1.5, "a", [1], object())
    assert [candidate(value) for value in values] == ["nothing", "truth", "number", "text", "many", "other"]


def compose(*functions):
    """One function of several, called from the last to the first."""
    if not functions:
        return lambda value: value

    def composed(*args, **kwargs):
        *others, last = functions
        result = last(*args, **kwargs)
        for function in reversed(others):
            result = function(result)
        return result

    return composed


def check_compose(candidate):
    assert candidate(lambda x: x + 1, lambda x: x * 2)(5) == 11
    assert candidate()(3) == 3
    assert candidate(str, max)(1, 7) == "7"
