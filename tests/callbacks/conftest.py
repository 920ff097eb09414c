"""Property tests are about what is true, not about how busy the machine is."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "callbacks", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("callbacks")
