#!/usr/bin/env bash
# lint.sh: what a machine can say about the sources without running them.  Zero findings.
set -uo pipefail

cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit
failed=()

check() {
    local name=$1 started=$SECONDS
    shift
    if "$@"; then
        printf 'ok      %s (%d s)\n' "$name" $((SECONDS - started))
    else
        failed+=("$name")
        printf 'FAILED  %s (%d s)\n' "$name" $((SECONDS - started))
    fi
}

c_files() {
    git ls-files --cached --others --exclude-standard '*.c'
}

c_and_h_files() {
    git ls-files --cached --others --exclude-standard '*.c' '*.h'
}

shell_files() {
    git ls-files --cached --others --exclude-standard '*.sh' '*.bash' .ci/run \
        packaging/debian/{postinst,prerm,postrm} 'tests/build/stand_ins/*' container/files/usr/local/bin
}

formatted() {
    c_and_h_files | xargs clang-format --dry-run -Werror
}

# The extra folder is for the package test's consumer, which is built as a stranger would.
tidy() {
    scripts/build.sh test >/dev/null || return 1
    c_files | xargs -P 2 -n 1 clang-tidy -p out/test "--extra-arg=-I$PWD/include" --quiet 2>/dev/null
}

# gcc's analyzer; clang's is in clang-tidy, as clang-analyzer-*.  Warnings are errors there.
analyzed() {
    scripts/build.sh analyze >/dev/null
}

cppchecked() {
    cppcheck --project=out/test/compile_commands.json --enable=warning,portability,performance \
        --inline-suppr --error-exitcode=1 \
        --quiet -j 2
}

shells() {
    shell_files | xargs shellcheck -x
}

# Functions that cannot be told how much room there is, or that take any text for a number.
no_banned_functions() {
    local banned='strcpy|strcat|sprintf|vsprintf|strtok|strncpy|gets|alloca|ato[fil]|atoll|strto[a-z]+|v?sscanf'
    ! git grep --untracked -nE "(^|[^a-zA-Z0-9_])($banned)\(" -- '*.c' '*.h'
}

# malloc's family only where objects are created before the service starts.
no_late_allocation() {
    ! git grep --untracked -nE '(^|[^a-zA-Z0-9_])(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|strdup|strndup|v?asprintf)\(' \
        -- 'lib/*.c' 'common/*.c' 'server/*.c' ':!lib/generator.c'
}

# include -> lib -> common -> server -> cli: a folder includes only from those to its left.
includes_point_left() {
    local found
    found=$(
        git grep --untracked -nE '#include "(common|server|cli)/' -- 'include/*' 'lib/*'
        git grep --untracked -nE '#include "(server|cli|lib)/|#include "sonyflake.h"' -- 'common/*'
        git grep --untracked -nE '#include "(cli|lib)/' -- 'server/*'
        git grep --untracked -nE '#include "lib/' -- 'cli/*.h'
        git grep --untracked -nE '#include "server/(api|connection|net|clock|settings)/' -- 'server/http/*'
        git grep --untracked -nE '#include "server/(net)/' -- 'server/api/*' 'server/connection/*'
    )
    [[ -z $found ]] || {
        echo "$found"
        return 1
    }
}

files_stay_short() {
    ! c_and_h_files | xargs wc -l | awk '$2 != "total" && $1 > 600 { print "over 600 lines: " $2; bad = 1 } END { exit !bad }'
}

# A finding that is passed over names its check, and says why.
suppressions_have_reasons() {
    ! git grep --untracked -nE 'NOLINT|cppcheck-suppress' -- '*.c' '*.h' |
        grep -vE 'NOLINTEND\(|(NOLINT(NEXTLINE|BEGIN)?\([a-z0-9,.-]+\)|cppcheck-suppress [a-zA-Z]+): .'
}

main() {
    check "clang-format" formatted
    check "no unbounded string functions" no_banned_functions
    check "no allocation after start" no_late_allocation
    check "includes point left" includes_point_left
    check "files of at most 600 lines" files_stay_short
    check "suppressions with reasons" suppressions_have_reasons
    check "shellcheck" shells
    check "clang-tidy" tidy
    check "cppcheck" cppchecked
    check "gcc -fanalyzer" analyzed
    ((${#failed[@]} == 0))
}

main "$@"
