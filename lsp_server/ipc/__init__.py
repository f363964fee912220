"""Messages between a server and its engine: plain data, imported by both processes."""
