"""A stand-in for MatterGen."""
