"""Studies: questions that one run answers with numbers, from what its other stages made."""
