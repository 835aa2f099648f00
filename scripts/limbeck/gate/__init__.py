"""The gate between labels and data sets."""
