"""Tables of numbers, and how good a prediction is."""


def load_table(path):
    """Rows of numbers; the last of each is its label."""
    with open(path) as file:
        return [[float(cell) for cell in line.split(",")] for line in file]


def accuracy(labels, predictions):
    """The share of predictions that are right."""
    return sum(map(float.__eq__, labels, predictions)) / len(labels)
