#!/usr/bin/env bash
# package.sh: builds the Debian packages into out/deb; the same sources give the same bytes.
set -euo pipefail
export LC_ALL=C

main() {
    cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
    SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
    export SOURCE_DATE_EPOCH
    local started=$SECONDS
    scripts/build.sh deb
    rm -f out/deb/*.deb
    umask 022 # the mode of the folders in the packages
    (cd out/deb && cpack -G DEB >cpack.log) || {
        cat out/deb/cpack.log >&2
        return 1
    }
    ls out/deb/*.deb
    printf 'packaged in %d s\n' $((SECONDS - started))
}

main "$@"
