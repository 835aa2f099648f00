"""What a run left, as the report sees it: its files, gaps and students."""
