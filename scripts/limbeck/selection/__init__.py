"""Which frames are labelled."""
