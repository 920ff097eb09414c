"""ngrok as a tunnel provider, driven by pyngrok."""
