# shellcheck shell=bash disable=SC2034 # the other parts use what is set here
# prerequisites.sh: what a host must have, checked before anything is touched, all in one report.
#
# Each check prints one line, good, warning or bad, and below it the command that mends what it found.

CHECKS_FAILED=0
WOULD_INSTALL=0      # 1: a dry run of what would install what is missing first
MANAGER_ANSWERS=0    # 1: questions about containers can be asked

good() { # WHAT DETAIL
    printf '  ✓ %-22s %s\n' "$1" "$2"
}

warning() { # WHAT DETAIL [MEND]
    printf '  ! %-22s %s\n' "$1" "$2"
    [[ -z ${3-} ]] || printf '      mend it: %s\n' "$3"
}

bad() { # WHAT DETAIL MEND
    CHECKS_FAILED=$((CHECKS_FAILED + 1))
    printf '  ✗ %-22s %s\n' "$1" "$2"
    printf '      mend it: %s\n' "$3"
}

# missing WHAT DETAIL MEND: a package, which may be about to be installed.
missing() {
    if ((WOULD_INSTALL)); then
        warning "$1" "$2; would be installed" "$3"
    else
        bad "$@"
    fi
}

# check_tools WHAT MEND TOOL...
check_tools() {
    local what=$1 mend=$2 tool missing=()
    shift 2
    for tool in "$@"; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    if ((${#missing[@]} > 0)); then
        missing "$what" "missing: ${missing[*]}" "$mend"
    else
        good "$what" "$*"
    fi
}

check_root() { # COMMAND
    if [[ $(id -u) == 0 ]]; then
        good "root" "may unpack packages as their owners"
    else
        bad "root" "unpacking packages as their owners needs it" "sudo $1"
    fi
}

check_btrfs_tools() { # MEND
    if command -v btrfs >/dev/null; then
        read -r REPLY < <(btrfs --version 2>&1) || true
        good "BTRFS tools" "$REPLY"
    else
        missing "BTRFS tools" "there is no command btrfs" "$1"
    fi
}

check_btrfs_kernel() {
    if grep -qw btrfs /proc/filesystems; then
        good "BTRFS in the kernel" "loaded or built in"
    elif modinfo btrfs >/dev/null 2>&1; then
        warning "BTRFS in the kernel" "a module that is not loaded; it is loaded when it is used" "modprobe btrfs"
    else
        bad "BTRFS in the kernel" "neither built in nor a module of $(uname -r)" \
            "apt-get install linux-image-generic linux-modules-extra-$(uname -r), or another kernel"
    fi
}

check_manager() { # MEND
    local found=0
    find_client || found=$?
    case $found in
    0)
        MANAGER_ANSWERS=1
        good "LXD or Incus" "$CLIENT $("$CLIENT" --version 2>/dev/null), and it answers"
        ;;
    1) bad "LXD or Incus" "$CLIENT is installed, but does not answer: $REPLY" "$(mend_manager "$REPLY")" ;;
    *) missing "LXD or Incus" "neither lxc nor incus is installed" "$1" ;;
    esac
}

mend_manager() { # WHAT IT SAID
    local service=lxd group=lxd
    [[ $CLIENT != incus ]] || service=incus group=incus-admin
    if [[ $1 == *"permission denied"* ]]; then
        echo "sudo usermod -aG $group $(id -un), and log in again; or run this as root"
    elif [[ -d /var/snap/lxd && $CLIENT == lxc ]]; then
        echo "snap start lxd"
    else
        echo "systemctl start $service"
    fi
}

# The storage pool: one that is there must be BTRFS, one that will be made must have a place.
check_pool() {
    local driver
    if ((MANAGER_ANSWERS == 0)); then
        warning "storage pool" "not checked: nothing answers that could be asked" "as for LXD or Incus above"
        return
    fi
    pool_driver "$STORAGE_LOCATION_ID"
    driver=$REPLY
    if [[ $driver == btrfs ]]; then
        check_pool_options
    elif [[ -n $driver ]]; then
        bad "storage pool" "$STORAGE_LOCATION_ID is there, but is $driver" "choose another STORAGE_LOCATION_ID"
    elif [[ -z $STORAGE_PATH ]]; then
        good "storage pool" "$STORAGE_LOCATION_ID will be made, on a loop file of at most $STORAGE_POOL_SIZE"
    elif [[ $(stat -f -c %T "$STORAGE_PATH") != btrfs ]]; then
        bad "storage pool" "$STORAGE_PATH is not on a BTRFS, but on $(stat -f -c %T "$STORAGE_PATH")" \
            "mount a BTRFS there, or correct $STORAGE_LOCATIONS_FILE"
    elif [[ -e $STORAGE_PATH/go-id ]] && ! is_empty_folder "$STORAGE_PATH/go-id"; then
        bad "storage pool" "$STORAGE_PATH/go-id is there already, and no pool" \
            "move it away, or map $STORAGE_LOCATION_ID to another folder in $STORAGE_LOCATIONS_FILE"
    else
        good "storage pool" "$STORAGE_LOCATION_ID will be made, in $STORAGE_PATH/go-id"
    fi
}

# What is left of a pool that was deleted.
is_empty_folder() {
    [[ -d $1 && ! -L $1 && -z $(ls -A -- "$1") ]]
}

# What STORAGE_POOL_SIZE and STORAGE_COMPRESSION say is for the making of a pool on a loop file.
check_pool_options() {
    local size options asked kept=()
    ask storage get "$STORAGE_LOCATION_ID" size
    size=$REPLY
    ask storage get "$STORAGE_LOCATION_ID" btrfs.mount_options
    options=$REPLY
    pool_options
    asked=$REPLY
    lxd_size "$STORAGE_POOL_SIZE"
    if [[ -n $size && $options == *user_subvol_rm_allowed* ]]; then
        [[ $size == "$REPLY" ]] || kept+=("STORAGE_POOL_SIZE (it has $size)")
        [[ $options == "$asked" ]] || kept+=("STORAGE_COMPRESSION (it is mounted with $options)")
    fi
    if ((${#kept[@]} > 0)); then
        warning "storage pool" "$STORAGE_LOCATION_ID is there, and not changed: ${kept[*]}" \
            "choose another STORAGE_LOCATION_ID for a new pool; or let these settings say what is there"
    else
        good "storage pool" "$STORAGE_LOCATION_ID is there, and is BTRFS"
    fi
}

has_link() {
    command -v ip >/dev/null && ip -o link show dev "$1" >/dev/null 2>&1
}

# check_bridge CREATE MEND: leaves BRIDGE as the name to use.  CREATE=1: it will be made.
check_bridge() {
    local wanted=$BRIDGE candidate candidates=("$BRIDGE")
    if [[ $BRIDGE == auto ]]; then
        BRIDGE=lxdbr0
        [[ $CLIENT != incus ]] || BRIDGE=incusbr0
        candidates=(lxdbr0 lxcbr0 incusbr0)
    fi
    BRIDGE_IS_MISSING=0
    for candidate in "${candidates[@]}"; do
        if has_link "$candidate"; then
            BRIDGE=$candidate
            good "bridge" "$BRIDGE"
            return
        fi
    done
    if (($1)); then
        BRIDGE_IS_MISSING=1
        good "bridge" "$BRIDGE will be made"
    else
        [[ $wanted != auto ]] || wanted="lxdbr0, lxcbr0 or incusbr0"
        bad "bridge" "there is no $wanted" "$2"
    fi
}

# check_room WHAT FOLDER: a warning below 10 GiB, bad below 2 GiB (the build needs about 1).
check_room() {
    local what=$1 folder=$2 kib text mend lines
    while [[ ! -d $folder/ ]]; do folder=${folder%/*}; done
    folder=${folder:-/}
    mapfile -t lines < <(df -Pk "$folder")
    read -r _ _ _ kib _ <<<"${lines[-1]}"
    text="$((kib / 1048576)).$((kib % 1048576 * 10 / 1048576)) GiB free in $folder"
    quote "$folder"
    mend="du -xh -d 3 $REPLY | sort -h | tail   shows what takes it; remove some of that, or move to a larger disk"
    if ((kib < 2 << 20)); then
        bad "$what" "$text; 2 GiB are needed, 10 GiB are good" "$mend"
    elif ((kib < 10 << 20)); then
        warning "$what" "$text; 10 GiB or more are good" "$mend"
    else
        good "$what" "$text"
    fi
}

# Where LXD or Incus keeps its pools on loop files; in REPLY.
pool_folder() {
    local folder
    REPLY=$STORAGE_PATH
    for folder in "${LXD_DIR:-/var/lib/lxd}" /var/snap/lxd/common/lxd /var/lib/incus /var/lib; do
        [[ -n $REPLY || ! -d $folder ]] || REPLY=$folder
    done
}

# check_port HOLDER: the container that may hold it already, since it is the one that is built.
check_port() {
    local said
    if ! command -v ss >/dev/null; then
        warning "port $HOST_PORT" "not checked: there is no command ss" "as for the tools above"
        return
    fi
    said=$(ss -Hltn "sport = :$HOST_PORT") || said=
    if [[ -z $said ]]; then
        good "port $HOST_PORT" "free"
    elif [[ -n $1 ]]; then
        good "port $HOST_PORT" "in use, by $1 itself"
    else
        bad "port $HOST_PORT" "in use on this host" \
            "ss -ltnp 'sport = :$HOST_PORT' tells by whom; or choose another $PORT_SETTING"
    fi
}

# check_shard NAME: no other container of this host may issue the same ids.
check_shard() {
    local in_use retired
    ((MANAGER_ANSWERS)) || return 0
    find_shard_holders "$1"
    if [[ -n $in_use ]]; then
        bad "shard $SHARD_ID" "$in_use has it too: they would issue the same ids" \
            "choose another $SHARD_SETTING, or delete that container"
    elif [[ -n $retired ]]; then
        warning "shard $SHARD_ID" "$retired has it too, and must stay as it is: they would issue the same ids" \
            "$CLIENT delete ${retired%% *}, once you will not go back to it"
    else
        good "shard $SHARD_ID" "no other container here has it"
    fi
}

# find_shard_holders NAME: other containers of go-id with a machine id of SHARD_ID: 'name (its shards, state)'.  A copy of
# one bears the same keys; one that was made by hand has at least the name.  Of these, one that was stopped and told not
# to start is $retired, as docs/migration.md has it; any other is $in_use.
find_shard_holders() {
    local name state shards boot hash first=${SHARD_ID%-*} last=${SHARD_ID#*-}
    in_use='' retired=''
    list_instances
    while IFS=, read -r name state shards boot hash; do
        [[ -n $hash || $name == *go-id* ]] || continue
        [[ $name != "$1" && $name != "$1-new" && $name != "$1-old" ]] || continue
        is_shards "$shards" || continue
        ((${shards%-*} <= last && ${shards#*-} >= first)) || continue
        if [[ -z $hash && ${state,,} == stopped && $boot == false ]]; then
            retired="$name (shard $shards, ${state,,})"
        else
            in_use="$name (shard $shards, ${state,,})"
        fi
    done <<<"$REPLY"
}

# A setting or an option: what the reader can change.
PORT_SETTING=HOST_PORT
SHARD_SETTING=SHARD_ID
