"""`python -m lsp_server.settings --write-docs`: write what documents and editors say of the settings."""

from __future__ import annotations

import argparse
from pathlib import Path

from lsp_server.settings.docs import documents


def main() -> None:
    """Write the documents of the checkout that this file is in."""
    parser = argparse.ArgumentParser(prog="python -m lsp_server.settings", description=__doc__)
    parser.add_argument("--write-docs", action="store_true", required=True, help="write them into this checkout")
    parser.parse_args()
    try:
        current = documents(Path(__file__).parents[2])
    except OSError as error:
        parser.error(f"the documents are in a checkout of infill's repository only ({error})")
    for path, text in current.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
