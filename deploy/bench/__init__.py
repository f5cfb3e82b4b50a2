"""Benchmarks: CPU-seconds per event of our own processes first, final state verified after every run."""
