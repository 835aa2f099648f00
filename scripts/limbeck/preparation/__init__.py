"""What is done to structures before they are sampled: relaxed, and repeated."""
