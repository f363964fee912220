"""What is in a workspace folder: which files may be read, what they define, and where to find similar code."""
