"""Settings: what a user can set, who may set it, and how it is read."""
