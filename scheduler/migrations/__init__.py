"""The frozen, numbered steps that bring any older database to today's schema."""
