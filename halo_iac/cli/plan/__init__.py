"""What the commands that make a plan share: the request, the base, and options that tighten the policy."""
