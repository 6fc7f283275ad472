# shellcheck shell=bash
# values.sh: what a value must look like; sizes.

# rule_problem RULE VALUE: leaves in REPLY what the value must be, or nothing when it is.
rule_problem() {
    local rule=${1%%:*} least=${1#*:} value=$2
    REPLY=
    case $rule in
    location) [[ $value =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$ ]] ||
        REPLY="1 to 63 letters, digits, '_', '.' or '-'" ;;
    name) [[ $value =~ ^[A-Za-z][A-Za-z0-9-]{0,29}$ ]] ||
        REPLY="1 to 30 letters, digits or '-', with a letter first" ;;
    version) [[ $value =~ ^[A-Za-z0-9]([A-Za-z0-9-]{0,14}[A-Za-z0-9])?$ ]] ||
        REPLY="1 to 16 letters, digits or '-', such as v1" ;;
    size) is_size "$value" "$least" ||
        REPLY="a size of at least $least, such as 512MB or 5G" ;;
    port) is_number "$value" "$least" 65535 || REPLY="a port from $least to 65535" ;;
    port_or_nothing) [[ -z $value ]] || is_number "$value" 1 65535 ||
        REPLY="a port from 1 to 65535, or empty for SERVICE_PORT's" ;;
    file) [[ -z $value ]] || [[ $value == /* && -f $value && -r $value ]] ||
        REPLY="the absolute path of a file that can be read, or empty" ;;
    folder) [[ -z $value || $value == /* ]] || REPLY="an absolute path, or empty for out/image" ;;
    compression) [[ $value =~ ^(none|lzo|zlib(:[1-9])?|zstd(:([1-9]|1[0-5]))?)$ ]] ||
        REPLY="none, lzo, zlib, zlib:1 to 9, zstd, or zstd:1 to 15" ;;
    schedule) is_schedule "$value" ||
        REPLY="@hourly, @daily, @weekly, @monthly, none, or five fields of cron such as 30 3 * * *" ;;
    days) is_number "$value" 1 3650 || REPLY="a number of days from 1 to 3650" ;;
    cpus) [[ $value == all ]] || is_number "$value" 1 512 || REPLY="a number from 1 to 512, or all" ;;
    bridge) [[ $value =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$ ]] ||
        REPLY="auto, or the name of a bridge such as lxdbr0" ;;
    shards) is_shards "$value" || REPLY="a number from 0 to 65535, or a range such as 64-127" ;;
    time) [[ -z $value ]] || is_time "$value" ||
        REPLY="a time from 1970 to now, such as 2014-09-01T00:00:00Z, or empty" ;;
    id) [[ -z $value ]] || is_id "$value" || REPLY="an id, at most 9223372036854775807, or empty" ;;
    yes_no) [[ $value == yes || $value == no ]] || REPLY="yes or no" ;;
    text) ;;
    esac
}

is_number() { # TEXT LEAST MOST
    [[ $1 =~ ^(0|[1-9][0-9]{0,8})$ ]] && (($1 >= $2 && $1 <= $3))
}

is_shards() {
    local first=${1%%-*} last=${1#*-}
    is_number "$first" 0 65535 && is_number "$last" 0 65535 && ((first <= last))
}

is_schedule() {
    local fields
    [[ ! $1 =~ ^(none|@hourly|@daily|@weekly|@monthly)$ ]] || return 0
    [[ $1 =~ ^[^\ ]+(\ [^\ ]+){4}$ ]] || return
    read -ra fields <<<"$1"
    is_cron_field "${fields[0]}" 0 59 && is_cron_field "${fields[1]}" 0 23 && is_cron_field "${fields[2]}" 1 31 &&
        is_cron_field "${fields[3]}" 1 12 && is_cron_field "${fields[4]}" 0 6
}

# Parts with commas between them, each '*', a number or a range, perhaps with a step.
is_cron_field() { # TEXT LEAST MOST
    local part parts first last step
    [[ $1 =~ ^[0-9*/-]+(,[0-9*/-]+)*$ ]] || return
    IFS=, read -ra parts <<<"$1"
    for part in "${parts[@]}"; do
        [[ $part =~ ^(\*|([0-9]{1,2})(-([0-9]{1,2}))?)(/([0-9]{1,2}))?$ ]] || return
        first=10#${BASH_REMATCH[2]:-$2} last=10#${BASH_REMATCH[4]:-${BASH_REMATCH[2]:-$3}} step=10#${BASH_REMATCH[6]:-1}
        ((first >= $2 && first <= last && last <= $3 && step > 0)) || return
    done
}

is_time() {
    local seconds
    [[ $1 =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](Z|[+-][0-9]{2}:[0-9]{2})$ ]] || return
    seconds=$(date -ud "$1" +%s 2>/dev/null) && ((seconds >= 0 && seconds <= EPOCHSECONDS))
}

# 63 bits.
is_id() {
    local digits=${1#"${1%%[!0]*}"} most=9223372036854775807
    [[ $1 =~ ^[0-9]+$ ]] && { ((${#digits} < 19)) || [[ ${#digits} == 19 && ! n$digits > n$most ]]; }
}

is_size() { # TEXT LEAST
    local least
    [[ $1 =~ ^[1-9][0-9]{0,6}[MGT](iB|B)?$ ]] || return
    bytes_of "$2"
    least=$REPLY
    bytes_of "$1"
    ((REPLY >= least)) && REPLY=
}

# bytes_of SIZE: in REPLY.  5G and 5GiB are 5 * 2^30, 5GB is 5 * 10^9, as LXD has it.
bytes_of() {
    local number=${1%%[MGT]*} unit=${1##*[0-9]}
    case $unit in
    M | MiB) REPLY=$((number << 20)) ;;
    G | GiB) REPLY=$((number << 30)) ;;
    T | TiB) REPLY=$((number << 40)) ;;
    MB) REPLY=$((number * 1000000)) ;;
    GB) REPLY=$((number * 1000000000)) ;;
    TB) REPLY=$((number * 1000000000000)) ;;
    esac
}

# lxd_size SIZE: the same in LXD's words, in REPLY.
lxd_size() {
    REPLY=$1
    [[ $1 == *B ]] || REPLY+=iB
}
