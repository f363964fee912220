"""The client side of an engine: connect, spawn, share, supervise, load lazily. Runs in the server and the CLI."""
