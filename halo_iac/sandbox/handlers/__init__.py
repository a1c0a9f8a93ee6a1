"""What answers the API: one module a router."""
