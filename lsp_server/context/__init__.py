"""Which neighbouring text goes into a prompt, and in what order. Pure."""
