"""Whether files are what they claim to be: who may write them, and what they were made of."""
