"""The subcommands of `infill`, one file each, with `add_arguments(parser)` and `run(arguments) -> exit status`.

Runs in the process of the command line, which is the language server's for `serve`.
"""
