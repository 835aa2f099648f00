"""How structures are put together: what sources share, and what would make their modules long."""
