"""Answers of gateways, which are not tRPC."""

from __future__ import annotations

from halo_iac.sandbox.faults import Reply

EMPTY = Reply(502)
CLOUDFLARE_403 = Reply(
    403,
    b"<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    b"<body><h1>Sorry, you have been blocked</h1><p>Cloudflare Ray ID: 0000000000000000</p></body></html>",
    "text/html; charset=UTF-8",
    {"server": "cloudflare", "cf-ray": "0000000000000000-FRA"},
)
BAD_GATEWAY_HTML = Reply(
    502,
    b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>",
    "text/html",
)
