"""What the server does for its client, one feature a file. Each takes the parts of the server that it uses."""
