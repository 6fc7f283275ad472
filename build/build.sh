#!/usr/bin/env bash
# build.sh: from a host and its sources to a running go-id in a container on BTRFS.  See usage().
set -euo pipefail
umask 022 # of what goes into the image, whoever builds it
export LC_ALL=C

HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
ROOT=${HERE%/*}

# shellcheck source=build/run.sh
source "$HERE/run.sh"
# shellcheck source=build/client.sh
source "$HERE/client.sh"
# shellcheck source=build/values.sh
source "$HERE/values.sh"
# shellcheck source=build/settings.sh
source "$HERE/settings.sh"
# shellcheck source=build/prerequisites.sh
source "$HERE/prerequisites.sh"
# shellcheck source=build/container.sh
source "$HERE/container.sh"
# shellcheck source=build/image.sh
source "$HERE/image.sh"

CONF=$HERE/build.conf
NAME=            # of the container
INPUTS=          # what it is made from, KEY=value;KEY=value...
CHECK_ONLY=0
IMAGE_ONLY=0
INSTALL=0
CREATE_BRIDGE=0
REBUILD=0

usage() {
    cat <<'END'
Usage: build/build.sh [CONF] [OPTION...]

Builds the image of go-id, makes the container from it and starts it, as CONF says (default: build/build.conf).
Run again, it does nothing unless something differs.

  --check          check the configuration and the host, and stop
  --dry-run        print every command that would change something; change nothing
  --install        install what is missing first, on Debian or Ubuntu
  --create-bridge  make the bridge if it is missing
  --rebuild        replace the container by a new one; the volumes with state and logs are kept
  --image-only     build the image and launch.sh, no container
  -h, --help       print this help

Exit status: 0 done or nothing to do; 1 a check or a command failed, and what was half made is removed;
2 wrong arguments or settings; 130 or 143 interrupted, and what was half made is removed.
END
}

wrong() {
    printf 'build.sh: %s\nTry build/build.sh --help\n' "$*" >&2
    exit 2
}

read_arguments() {
    local conf=
    while (($# > 0)); do
        case $1 in
        --check) CHECK_ONLY=1 ;;
        --dry-run) DRY_RUN=1 ;;
        --install) INSTALL=1 ;;
        --create-bridge) CREATE_BRIDGE=1 ;;
        --rebuild) REBUILD=1 ;;
        --image-only) IMAGE_ONLY=1 ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*) wrong "unknown option '$1'" ;;
        *)
            [[ -z $conf ]] || wrong "more than one configuration: $conf and $1"
            conf=$1
            ;;
        esac
        shift
    done
    CONF=${conf:-$CONF}
    [[ -f $CONF && -r $CONF ]] || wrong "there is no configuration $CONF that can be read"
    ((IMAGE_ONLY == 0 || REBUILD == 0)) || wrong "--image-only and --rebuild exclude each other"
}

load_settings() {
    if ! read_settings "$CONF"; then
        printf '%s\n' "${PROBLEMS[@]}" >&2
        echo "build.sh: nothing was changed" >&2
        exit 2
    fi
    [[ -z ${GO_VERSION-} ]] || say "note: GO_VERSION $GO_VERSION is not used: this go-id is written in C"
    [[ -z $STORAGE_LOCATIONS_FILE || -n $STORAGE_PATH ]] ||
        say "note: $STORAGE_LOCATIONS_FILE does not map $STORAGE_LOCATION_ID: its pool will be on a loop file"
    NAME=$CONTAINER_NAME-$CONTAINER_VERSION
    # shellcheck disable=SC2034 # for launch.sh
    BRIDGE_SETTING=$BRIDGE
    IMAGE_FOLDER=${IMAGE_FOLDER:-$ROOT/out/image}
    image_name
    IMAGE=$REPLY
}

# What a container is made from; what differs from it is told by differences().
inputs() {
    local key
    for key in STORAGE_LOCATION_ID STORAGE_QUOTA_SIZE STATE_QUOTA_SIZE LOG_QUOTA_SIZE SNAPSHOT_SCHEDULE \
        SNAPSHOT_RETENTION SERVICE_PORT HOST_PORT SHARD_ID START_TIME MIN_ID MEMORY_LIMIT CPU_LIMIT BRIDGE_SETTING AUTOSTART; do
        printf '%s=%s;' "${key%_SETTING}" "${!key}"
    done
    printf 'SOURCES=' && sources_hash
}

install_packages() {
    if ((DRY_RUN)); then
        WOULD_INSTALL=1
        printf '+ scripts/install_packages.sh build container   (if any of theirs is missing)\n'
    else
        "$ROOT/scripts/install_packages.sh" build container
    fi
}

# ---- checks -----------------------------------------------------------------------------------

check_host() {
    local command=build/build.sh install
    if [[ $CONF != "$HERE/build.conf" ]]; then
        quote "$CONF"
        command+=" $REPLY"
    fi
    install="$command --install"
    say "Prerequisites"
    check_root "$command"
    check_tools "compiler" "$install" gcc make cmake ninja
    check_tools "image tools" "$install" mmdebstrap xz objdump tar
    check_tools "other tools" "$install" sha256sum setsid flock timeout
    if ((IMAGE_ONLY == 0)); then
        check_tools "network tools" "$install" curl ip ss
        check_btrfs_tools "$install"
        check_btrfs_kernel
        check_manager "$install"
        check_pool
        check_bridge "$CREATE_BRIDGE" "$command --create-bridge"
        pool_folder
        check_room "space for the pool" "$REPLY"
    fi
    check_room "space for the build" "$WORK"
    if ((IMAGE_ONLY == 0)); then
        port_holder
        check_port "$REPLY"
        check_names
        check_shard "$NAME"
        check_shard_there
    fi
    ((CHECKS_FAILED == 0)) || fail "$CHECKS_FAILED of these must be mended first; nothing was changed"
}

# The container itself, if it runs, is ours, and that is the port that it has; in REPLY.
port_holder() {
    if ((MANAGER_ANSWERS)) && instance_runs "$NAME" && is_ours "$NAME"; then
        ask config device get "$NAME" api listen
        if [[ $REPLY == "tcp:127.0.0.1:$HOST_PORT" ]]; then
            REPLY=$NAME
            return
        fi
    fi
    REPLY=
}

# Names that are taken by what was not made here stop the build.
check_names() {
    local name others=() pool
    ((MANAGER_ANSWERS)) || return 0
    for name in "$NAME" "$NAME-new" "$NAME-old"; do
        ! instance_exists "$name" || is_ours "$name" || others+=("container $name")
    done
    pool_driver "$STORAGE_LOCATION_ID"
    if [[ $REPLY == btrfs ]]; then
        for name in "$NAME-state" "$NAME-log"; do
            volume_exists "$STORAGE_LOCATION_ID" "$name" || continue
            ask storage volume get "$STORAGE_LOCATION_ID" "$name" user.go-id
            [[ -n $REPLY ]] || others+=("volume $name")
        done
    fi
    state_pool
    pool=$REPLY
    if ((${#others[@]} > 0)); then
        bad "name $NAME" "not made by this script: ${others[*]}" \
            "choose another CONTAINER_NAME or CONTAINER_VERSION, or rename or delete what is there"
    elif [[ -n $pool && $pool != "$STORAGE_LOCATION_ID" ]]; then
        bad "name $NAME" "its state is in the pool $pool, which would be left behind" \
            "set STORAGE_LOCATION_ID=\"$pool\"; or choose another CONTAINER_VERSION"
    else
        good "name $NAME" "free, or made by this script"
    fi
}

# The shard of the container that is there: what `lxc config set` has made of it, or else the default.
live_shard() {
    list_instances
    [[ $'\n'$REPLY =~ $'\n'"$NAME",[^,]*,([^,]*), ]]
    REPLY=${BASH_REMATCH[1]:-1}
}

# Whoever has changed it since the container was made must not get the old one back unasked.
check_shard_there() {
    local live
    ((MANAGER_ANSWERS)) || return 0
    is_ours "$NAME" || return 0
    live_shard
    live=$REPLY
    instance_key "$NAME" user.go-id.inputs
    [[ $live == "$SHARD_ID" || $REPLY == *";SHARD_ID=$live;"* ]] ||
        bad "shard of $NAME" "SHARD_ID is $live there, set since it was made, and $SHARD_ID in $CONF" \
            "put SHARD_ID=\"$live\" into $CONF; or $CLIENT config set $NAME environment.SHARD_ID=$SHARD_ID"
}

# The pool of the state of the container that is there, if one of ours is; in REPLY.
state_pool() {
    if is_ours "$NAME"; then
        ask config device get "$NAME" state pool
    else
        REPLY=
    fi
}

# ---- the build --------------------------------------------------------------------------------

# Only one build at a time uses the work folder.
prepare_work() {
    ((DRY_RUN == 0)) || return 0
    mkdir -p "$WORK"
    exec 9>"$WORK/lock"
    flock -n 9 || fail "another build is under way here ($WORK/lock)"
    LOG_FILE=$WORK/build.log
    : >"$LOG_FILE"
    watch_signals
    clean_work
}

build_image() {
    undo_later clean_work
    ((DRY_RUN)) || mkdir -p "$WORK/parts"
    step "compile the release" compile_release
    step "stage it" stage_program
    step "assemble the root file system" make_rootfs
    step "pack the image" pack_image
}

build_container() {
    local replaced='' replaced_image=
    ((BRIDGE_IS_MISSING == 0)) || step "create the bridge $BRIDGE" make_bridge
    step "storage pool $STORAGE_LOCATION_ID" make_pool
    step "import the image" import_image "$WORK/parts/$IMAGE"
    step "volumes for state and logs" make_volumes "$NAME"
    step "create the container" make_container "$NAME" "$INPUTS"
    if instance_exists "$NAME"; then
        replaced=$NAME-old
        instance_key "$NAME" volatile.base_image
        replaced_image=$REPLY
    fi
    step "start it" put_in_place "$NAME"
    step "wait until it serves" wait_until_healthy "$NAME"
    step "first snapshot" first_snapshot "$NAME"
    step "export image and launch.sh" export_image "$INPUTS"
    [[ -z $replaced ]] || change "$CLIENT" config set "$replaced" user.go-id.replaced=yes
    forget_undo
    [[ -z $replaced ]] || step "remove the one it replaces" remove_replaced "$replaced" "$replaced_image"
}

remove_replaced() { # CONTAINER IMAGE
    change "$CLIENT" delete --force "$1"
    if ((DRY_RUN)); then
        say "         (and its image, if it is another one)"
    elif [[ $2 != "$FINGERPRINT" ]] && image_exists "$2"; then
        change "$CLIENT" image delete "$2"
    fi
}

# differences: what the container was made from, beside what is asked for now.
differences() {
    local key was is
    while IFS='=' read -r key is; do
        was=$(sed -n "s/^$key=//p" <<<"${1//;/$'\n'}")
        [[ $was != "$is" ]] || continue
        if [[ $key == SOURCES ]]; then
            say "  the sources have changed"
        else
            say "  $key is \"$was\" there, and \"$is\" in $CONF"
        fi
    done <<<"${INPUTS//;/$'\n'}"
}

# The container is there, and no --rebuild: nothing to do, or nothing that is done unasked.
converge() {
    local made live
    live_shard
    live=$REPLY
    instance_key "$NAME" user.go-id.inputs
    made="${REPLY%%;SHARD_ID=*};SHARD_ID=$live;${REPLY#*;SHARD_ID=*;}"
    if [[ $made != "$INPUTS" ]]; then
        say "$NAME is there, made from something else:"
        differences "$made"
        say "To replace it, keeping its state and logs: add --rebuild.  Its snapshots go with it."
        fail "nothing was changed"
    fi
    say "Nothing to build: $NAME is what $CONF asks for."
    STEPS_TOTAL=1
    if ! instance_runs "$NAME"; then
        STEPS_TOTAL=2
        step "start it" change "$CLIENT" start "$NAME"
    fi
    step "wait until it serves" wait_until_healthy "$NAME"
    [[ -e $IMAGE_FOLDER/$IMAGE ]] || say "note: there is no $IMAGE_FOLDER/$IMAGE; --image-only makes it again"
}

main() {
    read_arguments "$@"
    load_settings
    ((INSTALL == 0 || CHECK_ONLY == 1)) || install_packages
    check_host
    ((CHECK_ONLY == 0)) || return 0
    INPUTS=$(inputs)
    prepare_work
    if ((IMAGE_ONLY)); then
        STEPS_TOTAL=5
        build_image
        step "export image and launch.sh" export_image "$INPUTS"
        forget_undo
    else
        recover_from_kill "$NAME"
        if instance_exists "$NAME" && ((REBUILD == 0)); then
            converge
        else
            say "Build of $NAME"
            STEPS_TOTAL=$((12 + BRIDGE_IS_MISSING))
            ! instance_exists "$NAME" || STEPS_TOTAL=$((STEPS_TOTAL + 1))
            build_image
            build_container
        fi
    fi
    if ((DRY_RUN)); then
        say "Nothing was changed."
        return
    fi
    clean_work
    if ((IMAGE_ONLY)); then
        say "The image, its checksum and launch.sh are in $IMAGE_FOLDER"
    else
        say "$NAME serves:"
        say "    curl http://localhost:$HOST_PORT/generate"
    fi
}

main "$@"
