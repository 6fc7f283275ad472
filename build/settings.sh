# shellcheck shell=bash disable=SC2034 # the other parts use what is set here
# settings.sh: the settings of the container build: their table, and the parser of build.conf.  Rules are in values.sh.
#
# The file stays valid shell, but it is read here and never run: so every problem in it is found in one go, with its
# line, and nothing in it can do anything.

# One row per setting: name, default ('-' is empty), rule.  docs and meaning are in build.conf.
SETTINGS_TABLE='
STORAGE_LOCATION_ID     btrfs_local_main  location
STORAGE_QUOTA_SIZE      5G                size:128M
SERVICE_PORT            7001              port:1024
GO_VERSION              -                 text
CONTAINER_NAME          go-id             name
CONTAINER_VERSION       v1                version
STORAGE_LOCATIONS_FILE  -                 file
STORAGE_POOL_SIZE       12G               size:1G
STORAGE_COMPRESSION     zstd              compression
STATE_QUOTA_SIZE        256M              size:64M
LOG_QUOTA_SIZE          512M              size:64M
SNAPSHOT_SCHEDULE       @daily            schedule
SNAPSHOT_RETENTION      7                 days
MEMORY_LIMIT            512MB             size:64M
CPU_LIMIT               2                 cpus
BRIDGE                  auto              bridge
HOST_PORT               -                 port_or_nothing
SHARD_ID                1                 shards
START_TIME              -                 time
MIN_ID                  -                 id
AUTOSTART               yes               yes_no
IMAGE_FOLDER            -                 folder
'

PROBLEMS=()          # "place: what is wrong", in the order of the file
declare -A SET_AT=() # setting -> its line
STORAGE_PATH=        # where the storage location is, empty for a loop file

# ---- suggestions ------------------------------------------------------------------------------

# edit_distance A B: how many letters to insert, delete, change or swap with the next.
edit_distance() {
    local a=$1 b=$2 i j cost best
    local -A d=()
    for ((i = 0; i <= ${#a}; i++)); do d[$i, 0]=$i; done
    for ((j = 0; j <= ${#b}; j++)); do d[0, $j]=$j; done
    for ((i = 1; i <= ${#a}; i++)); do
        for ((j = 1; j <= ${#b}; j++)); do
            cost=1
            [[ ${a:i-1:1} != "${b:j-1:1}" ]] || cost=0
            best=$((d[$((i - 1)), $((j - 1))] + cost))
            ((d[$((i - 1)), $j] + 1 >= best)) || best=$((d[$((i - 1)), $j] + 1))
            ((d[$i, $((j - 1))] + 1 >= best)) || best=$((d[$i, $((j - 1))] + 1))
            if ((i > 1 && j > 1)) && [[ ${a:i-1:1}${a:i-2:1} == "${b:j-2:1}${b:j-1:1}" ]] &&
                ((d[$((i - 2)), $((j - 2))] + 1 < best)); then
                best=$((d[$((i - 2)), $((j - 2))] + 1))
            fi
            d[$i, $j]=$best
        done
    done
    echo "${d[${#a}, ${#b}]}"
}

# suggestion NAME: "; did you mean 'X'?" for the nearest setting, if it is near.
suggestion() {
    local name rest distance nearest='' least=4 wanted=${1^^}
    while read -r name rest; do
        [[ -n $name ]] || continue
        distance=$(edit_distance "$wanted" "$name")
        if ((distance < least)); then
            least=$distance nearest=$name
        fi
    done <<<"$SETTINGS_TABLE"
    [[ -z $nearest ]] || printf "; did you mean '%s'?" "$nearest"
}

# ---- reading ----------------------------------------------------------------------------------

problem() { # PLACE MESSAGE
    PROBLEMS+=("$1: $2")
}

rule_of() { # SETTING: in REPLY
    local name default rule
    while read -r name default rule; do
        [[ $name != "$1" ]] || { REPLY=$rule && return 0; }
    done <<<"$SETTINGS_TABLE"
    return 1
}

set_defaults() {
    local name default rule
    while read -r name default rule; do
        [[ -z $name ]] || printf -v "$name" '%s' "${default#-}"
    done <<<"$SETTINGS_TABLE"
}

# parse_value TEXT: what stands behind the '='.  Sets VALUE, or returns 1 with the reason in REPLY.
parse_value() {
    local text=$1 tail=
    case $text in
    \"*\"*) VALUE=${text#\"} tail=${VALUE#*\"} VALUE=${VALUE%%\"*} ;;
    \'*\'*) VALUE=${text#\'} tail=${VALUE#*\'} VALUE=${VALUE%%\'*} ;;
    [\"\']*)
        REPLY="the closing quote is missing"
        return 1
        ;;
    *)
        VALUE=${text%%[[:blank:]]*} tail=${text#"$VALUE"}
        if [[ $VALUE == *[\;\&\|\<\>\(\)\*\?~\"\'#]* ]]; then
            REPLY="this value needs quotes"
            return 1
        fi
        ;;
    esac
    if [[ $VALUE == *[\$\`\\]* ]]; then
        REPLY="'\$', '\`' and '\\' are not allowed: the file is read, not run by a shell"
        return 1
    fi
    if [[ ! $tail =~ ^[[:blank:]]*$ && ! $tail =~ ^[[:blank:]]+# ]]; then
        REPLY="something follows the value; quote the whole of it, or begin a comment with ' #'"
        return 1
    fi
}

read_line() { # PLACE TEXT
    local place=$1 line=$2 name must
    line=${line#"${line%%[![:blank:]]*}"}
    [[ -n $line && $line != '#'* ]] || return 0
    if [[ $line == *$'\r' ]]; then
        problem "$place" "the line ends in CR LF; save the file with LF alone"
        return
    fi
    if [[ $line =~ ^export[[:blank:]] ]]; then
        problem "$place" "write KEY=\"value\" without 'export'"
        return
    fi
    if [[ ! $line =~ ^([A-Za-z_][A-Za-z0-9_]*)([[:blank:]]*)=([[:blank:]]*)(.*)$ ]]; then
        problem "$place" "this is no KEY=\"value\""
        return
    fi
    name=${BASH_REMATCH[1]}
    if [[ -n ${BASH_REMATCH[2]} || (-n ${BASH_REMATCH[3]} && -n ${BASH_REMATCH[4]} && ${BASH_REMATCH[4]} != '#'*) ]]; then
        problem "$place" "no blank may stand around the '='"
    elif ! rule_of "$name"; then
        problem "$place" "unknown setting '$name'$(suggestion "$name")"
    elif [[ -n ${SET_AT[$name]-} ]]; then
        problem "$place" "'$name' was already set on line ${SET_AT[$name]}"
    else
        SET_AT[$name]=${place##*:}
        must=$REPLY
        if ! parse_value "${BASH_REMATCH[4]}"; then
            problem "$place" "'$name': $REPLY"
            return
        fi
        rule_problem "$must" "$VALUE"
        if [[ -n $REPLY ]]; then
            problem "$place" "'$name' must be $REPLY, not \"$VALUE\""
        else
            printf -v "$name" '%s' "$VALUE"
        fi
    fi
}

# The line ID.path=/... of the locations file; other lines belong to others.
read_location() {
    local line number=0 path seen=
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        [[ $line == "$STORAGE_LOCATION_ID.path="* ]] || continue
        path=${line#*=}
        path=${path%"${path##*[![:space:]]}"}
        if [[ -n $seen ]]; then
            problem "$STORAGE_LOCATIONS_FILE:$number" "'$STORAGE_LOCATION_ID.path' was already set on line $seen"
        elif [[ $path != /* || $path == *[\"\'\$\`\\]* ]]; then
            problem "$STORAGE_LOCATIONS_FILE:$number" \
                "'$STORAGE_LOCATION_ID.path' must be an absolute path without quotes, not \"$path\""
        elif [[ ! -d $path ]]; then
            problem "$STORAGE_LOCATIONS_FILE:$number" \
                "'$STORAGE_LOCATION_ID.path': there is no folder $path; is the BTRFS mounted?"
        else
            STORAGE_PATH=$path
        fi
        seen=$number
    done <"$STORAGE_LOCATIONS_FILE"
}

# read_settings FILE: sets every setting, or leaves PROBLEMS.
read_settings() {
    local file=$1 line number=0
    set_defaults
    while IFS= read -r line || [[ -n $line ]]; do
        number=$((number + 1))
        read_line "$file:$number" "$line"
    done <"$file"
    HOST_PORT=${HOST_PORT:-$SERVICE_PORT}
    [[ -z $STORAGE_LOCATIONS_FILE ]] || read_location
    ((${#PROBLEMS[@]} == 0))
}
