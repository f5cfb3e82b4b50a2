"""The fault run: service processes are killed around every durable operation while a cohort runs."""
