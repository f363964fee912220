"""Orders: what a customer wants of the inventory."""

from inventory import Inventory, Item


class Order:
    """A list of items and how many of each."""

    def __init__(self, inventory):
        self.inventory = inventory
        self.lines = []

    def add(self, item, count):
        """Add a line to the order."""
        self.lines.append((item, count))

    def total(self):
        """The price of the whole order."""

    def __len__(self):
        return len(self.lines)
