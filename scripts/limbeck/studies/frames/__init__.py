"""Studies of frames and labels: which label sets make the better students, and what frames and views are worth."""
