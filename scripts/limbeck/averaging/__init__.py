"""Views of frames, and a potential's answers averaged over them."""
