"""The one exception a user is meant to see."""


class LimbeckError(Exception):
    """Bad input. The message names the file, field or frame, what was expected and what came."""
