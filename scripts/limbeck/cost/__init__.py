"""What a run will cost: jobs, frames, evaluations, hours and disk, before anything is computed."""
