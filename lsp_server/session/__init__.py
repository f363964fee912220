"""What is known per document between requests: whose turn it is, and answers given before. Pure."""
