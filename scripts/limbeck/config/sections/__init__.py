"""The sections of the config, one module each: fields, units, defaults, and what fits together."""
