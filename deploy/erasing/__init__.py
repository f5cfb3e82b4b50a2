"""The proof that a person's data is gone: what a node's topics, stores and files can still serve, looked through."""
