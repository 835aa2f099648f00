"""Selection of the frames to be labelled."""
