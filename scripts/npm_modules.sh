#!/usr/bin/env bash
# npm_modules.sh SOURCE FOLDER: installs what SOURCE/package-lock.json names from npm into
# FOLDER/node_modules, once per change of the lock file.
set -euo pipefail

main() {
    (($# == 2)) || {
        echo "usage: npm_modules.sh SOURCE FOLDER" >&2
        return 2
    }
    local source=$1 folder=$2
    ! cmp -s "$source/package-lock.json" "$folder/installed" || return 0
    mkdir -p "$folder"
    cp "$source/package.json" "$source/package-lock.json" "$folder/"
    npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
    cp "$source/package-lock.json" "$folder/installed"
}

main "$@"
