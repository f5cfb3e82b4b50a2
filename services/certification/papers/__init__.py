"""What certificates say, in words and on paper."""
