"""Ways to be reachable from the internet, behind one small interface."""
