"""What every service's door has: identity, problems, paging, health, telemetry and operations."""
