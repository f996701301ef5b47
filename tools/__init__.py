"""Scripts for whoever keeps this repository: what it is made of, and what is known of that."""
