#!/bin/sh
# Installs halo from the checkout that this file is in, into an environment of its own: install.sh FOLDER.
# Prints the path of that environment's Python; "$python" -P -m halo_iac is halo.
set -eu
here=$(dirname "$0")
for python in python3 python python3.14 python3.13 python3.12 python3.11; do
  if "$python" -I -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    exec "$python" -I "$here/install.py" "$1"
  fi
done
echo "error: halo needs Python 3.11 or newer; install one before this step" >&2
exit 1
