"""Every file of a whole workspace tampered with, and what notices."""
