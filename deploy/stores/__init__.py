"""A node's four stores as its operator sees them: their replica set, their backup and their return."""
