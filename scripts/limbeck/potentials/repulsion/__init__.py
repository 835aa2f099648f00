"""What keeps nuclei apart: the ZBL repulsion, and a test of dimers."""
