"""The subcommands of `infill`, one file each: `add_arguments(parser)` and `run(arguments) -> exit status`."""
