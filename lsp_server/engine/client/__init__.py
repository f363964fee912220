"""The client side of an engine: connect, spawn, share, supervise, load lazily."""
