"""The API's procedures: one module per router."""
