"""A small shop's stock: items, their prices, and how many there are."""


class Item:
    """One kind of thing on the shelf."""

    def __init__(self, name, price, count=0):
        self.name = name
        self.price = price
        self.count = count

    def total(self):
        """The worth of all that is left."""
        return self.price * self.count


class Inventory:
    """All items by name."""

    def __init__(self):
        self.items = {}

    def add(self, item):
        """Put an item on the shelf."""
        self.items[item.name] = item

    def remove(self, name):
        """Take an item off the shelf."""
        del self.items[name]
