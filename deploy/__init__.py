"""Everything that puts the services to work: the command line and the ways to run a node."""
