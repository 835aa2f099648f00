"""The config: its sections, what they mean together, and errors that name the field."""
