"""`python -m tests.fuzz headers|bodies --seconds N`: ever new cases from a random seed; prints what it finds."""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import time

CASES_AT_ONCE = 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("what", choices=("headers", "bodies"))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cases", type=int, default=0, help="stop after so many cases instead")
    arguments = parser.parse_args()
    faults = importlib.import_module(f"tests.fuzz.{arguments.what}").faults
    began, num_cases, num_found = time.monotonic(), 0, 0
    while num_cases < arguments.cases if arguments.cases else time.monotonic() - began < arguments.seconds:
        for fault in faults(CASES_AT_ONCE, random.randrange(2**32)):
            num_found += 1
            print(fault, flush=True)
        num_cases += CASES_AT_ONCE
        print(f"\r{num_cases} cases", end="", file=sys.stderr, flush=True)
    print(f"{num_cases} cases, {num_found} faults, {time.monotonic() - began:.0f} s")
    return 1 if num_found else 0


if __name__ == "__main__":
    sys.exit(main())
