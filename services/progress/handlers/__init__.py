"""What progress does: one function for each use case."""
