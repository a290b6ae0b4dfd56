"""Reports on what the scheduler itself did: a package, its modules import each other relatively."""
