"""The commands: one module each, named as the command, imported by the table in :mod:`halo_iac.cli.app` alone."""
