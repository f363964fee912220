"""Classes, each followed by the function that checks it."""

from collections import OrderedDict
from dataclasses import dataclass, field


class Stack:
    """Last in, first out."""

    def __init__(self, items=()):
        self._items = list(items)

    def __len__(self):
        return len(self._items)

    def push(self, item):
        """Put an item on top; the stack, to go on with."""
        self._items.append(item)
        return self

    def pop(self):
        """Take the top item. Raises `IndexError` if there is none."""
        if not self._items:
            raise IndexError("the stack is empty")
        return self._items.pop()

    @property
    def top(self):
        """The top item, or None."""
        return self._items[-1] if self._items else None


def check_Stack(candidate):
    stack = candidate([1]).push(2).push(3)
    assert len(stack) == 3
    assert stack.pop() == 3
    assert stack.top == 2
    assert candidate().top is None
    try:
        candidate().pop()
    except IndexError:
        return
    raise AssertionError


class Recent:
    """Keeps the values that were used last."""

    def __init__(self, capacity):
        self._capacity = capacity
        self._values = OrderedDict()

    def get(self, key, default=None):
        """The value of a key, which is now the newest."""
        if key not in self._values:
            return default
        self._values.move_to_end(key)
        return self._values[key]

    def put(self, key, value):
        """Keep a value; the oldest goes when there are too many."""
        self._values[key] = value
        self._values.move_to_end(key)
        while len(self._values) > self._capacity:
            self._values.popitem(last=False)


def check_Recent(candidate):
    recent = candidate(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert recent.get("b") is None
    assert recent.get("c", 0) == 3
    assert recent.get("d", 7) == 7


@dataclass
class Vector:
    """A point of the plane."""

    x: float = 0.0
    y: float = 0.0

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y)

    def __mul__(self, factor):
        return Vector(self.x * factor, self.y * factor)

    @property
    def length(self):
        return (self.x**2 + self.y**2) ** 0.5

    @classmethod
    def parse(cls, text):
        """A vector of `x,y`."""
        x, _, y = text.partition(",")
        return cls(float(x), float(y))


def check_Vector(candidate):
    assert candidate(1, 2) + candidate(3, 4) == candidate(4, 6)
    assert candidate(1, 2) - candidate(3, 4) == candidate(-2, -2)
    assert candidate(1, 2) * 3 == candidate(3, 6)
    assert candidate(3, 4).length == 5
    assert candidate.parse("1,2.5") == candidate(1.0, 2.5)


@dataclass
class Account:
    """Money that is paid in and out."""

    owner: str
    balance: int = 0
    history: list = field(default_factory=list)

    def deposit(self, amount):
        if amount <= 0:
            raise ValueError("pay in more than nothing")
        self.balance += amount
        self.history.append(("deposit", amount))

    def withdraw(self, amount):
        if amount <= 0:
            raise ValueError("pay out more than nothing")
        if amount > self.balance:
            raise ValueError("not enough money")
        self.balance -= amount
        self.history.append(("withdraw", amount))

    def __str__(self):
        return f"{self.owner}: {self.balance}"


def check_Account(candidate):
    account = candidate("Ada")
    account.deposit(10)
    account.withdraw(4)
    assert account.balance == 6
    assert account.history == [("deposit", 10), ("withdraw", 4)]
    assert str(account) == "Ada: 6"
    for method, amount in ((account.deposit, 0), (account.withdraw, 100), (account.withdraw, -1)):
        try:
            method(amount)
        except ValueError:
            continue
        raise AssertionError


class Tree:
    """A binary search tree."""

    def __init__(self, value, left=None, right=None):
        self.value = value
        self.left = left
        self.right = right

    def insert(self, value):
        """Add a value, unless it is there."""
        if value < self.value:
            if self.left is None:
                self.left = Tree(value)
            else:
                self.left.insert(value)
        elif value > self.value:
            if self.right is None:
                self.right = Tree(value)
            else:
                self.right.insert(value)

    def __iter__(self):
        if self.left is not None:
            yield from self.left
        yield self.value
        if self.right is not None:
            yield from self.right

    def depth(self):
        below = [child.depth() for child in (self.left, self.right) if child is not None]
        return 1 + max(below, default=0)


def check_Tree(candidate):
    tree = candidate(5)
    for value in (3, 8, 1, 4, 8):
        tree.insert(value)
    assert list(tree) == [1, 3, 4, 5, 8]
    assert tree.depth() == 3


class Temperature:
    """Degrees, kept in Celsius."""

    def __init__(self, celsius):
        self.celsius = celsius

    @property
    def fahrenheit(self):
        return self.celsius * 9 / 5 + 32

    @fahrenheit.setter
    def fahrenheit(self, value):
        self.celsius = (value - 32) * 5 / 9

    @staticmethod
    def describe(celsius):
        if celsius < 0:
            return "freezing"
        if celsius < 15:
            return "cold"
        if celsius < 25:
            return "mild"
        return "hot"


def check_Temperature(candidate):
    temperature = candidate(100)
    assert temperature.fahrenheit == 212
    temperature.fahrenheit = 32
    assert temperature.celsius == 0
    assert [candidate.describe(each) for each in (-1, 0, 20, 30)] == ["freezing", "cold", "mild", "hot"]
