"""Studies of other fields, a module for each kind; :mod:`limbeck.studies.registry` lists them."""
