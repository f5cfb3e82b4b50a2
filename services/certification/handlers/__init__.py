"""certification's use cases: certify, account for numbers, keep credentials, follow who moves."""
