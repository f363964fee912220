"""Models: the catalogue, downloads from the hub, and the options to run a model with."""
