#!/usr/bin/env bash
# startDefault.sh: installs what is missing, builds the container of build/build.conf and starts it.
# Takes the options of build/build.sh, such as --check or --dry-run.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
exec "$here/build/build.sh" "$here/build/build.conf" --install --create-bridge "$@"
