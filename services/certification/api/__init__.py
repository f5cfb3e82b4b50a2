"""certification's doors for people: certificates, registers, and verification by anybody."""
