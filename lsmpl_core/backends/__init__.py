"""What computes: the array libraries and their devices, threads, and what to do when one fails."""
