"""The subcommands of `infill`, one file each, with `add_arguments(parser)` and `run(arguments) -> exit status`."""
