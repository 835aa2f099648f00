"""One module for each kind of model; the only place that knows their libraries."""
