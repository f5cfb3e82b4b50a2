"""What a user would build in our place, by the advice of each library's own documentation; nothing that a node runs."""
