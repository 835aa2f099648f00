"""Labels of frames, and the store that keeps them."""
