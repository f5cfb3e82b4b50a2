"""Facts and the values that they carry."""
