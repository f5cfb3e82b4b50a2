"""The four independent services of a node; they never import each other."""
