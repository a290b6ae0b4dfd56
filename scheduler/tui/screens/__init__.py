"""The screens: one file each, all of them to the one contract."""
