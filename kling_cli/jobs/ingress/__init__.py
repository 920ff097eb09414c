"""How callbacks reach a running job: ingress, short-lived listener, notifications."""
