from model import NearestNeighbour
from utils import accuracy, load_table


def main():
    """Fit one table, and print how well another is predicted."""
