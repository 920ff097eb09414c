"""The endpoints of the simulated API: what is asked, checked and answered."""
