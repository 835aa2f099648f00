"""One module for each kind of source; the line that names it is in ``limbeck.structures``."""
