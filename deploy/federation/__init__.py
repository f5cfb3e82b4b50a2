"""Two provinces on one machine: two nodes, two brokers, and a mirror run by each receiving side."""
