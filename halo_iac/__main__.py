"""``python -P -m halo_iac``: the command line without the console script."""

from halo_iac.cli.main import run

if __name__ == "__main__":
    run()
