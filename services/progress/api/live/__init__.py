"""The doors to live sessions: scheduled, joined, watched over; what people hand in and claim."""

from services.progress.api.live import audience, claims, handing, joining, sessions

ROUTERS = [sessions.router, joining.router, audience.router, claims.router, handing.router]

__all__ = ["ROUTERS"]
