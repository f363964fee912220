"""What infill knows of programming languages: one record a language. Pure."""
