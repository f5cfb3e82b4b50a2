"""One async function for each use case: load, decide, keep, state."""
