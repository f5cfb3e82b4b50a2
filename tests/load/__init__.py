"""What our services are measured against, and nothing that a node runs."""
