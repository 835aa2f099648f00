"""In the environment of a stand-in; nothing is in it."""
