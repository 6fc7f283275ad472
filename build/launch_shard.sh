# shellcheck shell=bash disable=SC2034 # the other parts use what is set here
# launch_shard.sh: the main part of the generated launch.sh, which brings up one more shard.

usage() {
    cat <<END
Usage: ./launch.sh --shard N [OPTION...]

Makes a container $CONTAINER_NAME-shardN from the image beside this script, with volumes of its own for state and
logs, and starts it.  Any host with LXD or Incus and BTRFS in its kernel will do.

  --shard N        the machine id in its ids, 0 to 65535, or a range such as 64-127; it must be this
                   instance's alone, here and on every other host
  --port PORT      the port on the host, at 127.0.0.1; default: $FIRST_PORT + N - $FIRST_SHARD
  --name NAME      the container's name; default: $CONTAINER_NAME-shardN
  --pool POOL      the BTRFS storage pool; default: $STORAGE_LOCATION_ID, made on a loop file if missing
  --bridge NAME    the bridge of its network; default: $BRIDGE_SETTING
  --create-bridge  make the bridge if it is missing
  --dry-run        print every command that would change something; change nothing
  -h, --help       print this help

Exit status: 0 it serves, 1 a check or a command failed and nothing is left behind, 2 wrong arguments.
END
}

wrong() {
    printf '%s: %s\nTry %s --help\n' "$0" "$*" "$0" >&2
    exit 2
}

read_arguments() {
    SHARD_ID='' HOST_PORT='' NAME='' BRIDGE=$BRIDGE_SETTING CREATE_BRIDGE=0
    while (($# > 0)); do
        case $1 in
        --shard | --port | --name | --pool | --bridge)
            (($# > 1)) || wrong "$1 needs a value"
            set_option "$1" "$2"
            shift
            ;;
        --create-bridge) CREATE_BRIDGE=1 ;;
        --dry-run) DRY_RUN=1 ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) wrong "unknown argument '$1'" ;;
        esac
        shift
    done
    [[ -n $SHARD_ID ]] || wrong "which shard? --shard N"
    NAME=${NAME:-$CONTAINER_NAME-shard$SHARD_ID}
    HOST_PORT=${HOST_PORT:-$((FIRST_PORT + ${SHARD_ID%-*} - FIRST_SHARD))}
    is_number "$HOST_PORT" 1 65535 || wrong "shard $SHARD_ID has no default port; choose one with --port"
}

set_option() {
    case $1 in
    --shard) SHARD_ID=$2 && is_shards "$2" ;;
    --port) HOST_PORT=$2 && is_number "$2" 1 65535 ;;
    --name) NAME=$2 && [[ $2 =~ ^[A-Za-z]([A-Za-z0-9-]{0,50}[A-Za-z0-9])?$ ]] ;;
    --pool) STORAGE_LOCATION_ID=$2 && [[ $2 =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$ ]] ;;
    --bridge) BRIDGE=$2 && [[ $2 =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$ ]] ;;
    esac || wrong "$1: \"$2\" makes no sense here"
}

check_image() {
    if (cd "$HERE" && sha256sum --quiet -c "$IMAGE.sha256") >/dev/null 2>&1; then
        good "image" "$IMAGE, as its checksum says"
    else
        bad "image" "$IMAGE or its .sha256 is missing beside this script, or damaged" "copy the folder again"
    fi
}

check_name() {
    ((MANAGER_ANSWERS)) || return 0
    if instance_exists "$NAME"; then
        bad "name $NAME" "is there already" "$CLIENT start $NAME, if that is the one; or choose another --name"
    else
        good "name $NAME" "free"
    fi
}

check_host() {
    say "Prerequisites"
    check_tools "tools" "apt-get install curl iproute2 coreutils" curl ip ss sha256sum setsid
    check_btrfs_tools "apt-get install btrfs-progs"
    check_btrfs_kernel
    check_manager "apt-get install lxd lxd-client btrfs-progs dnsmasq-base, or snap install lxd"
    check_image
    check_pool
    check_bridge "$CREATE_BRIDGE" "$0 --shard $SHARD_ID --create-bridge"
    pool_folder
    check_room "disk space" "$REPLY"
    check_port ""
    check_name
    check_shard "$NAME"
    ((CHECKS_FAILED == 0)) || fail "$CHECKS_FAILED of these must be mended first; nothing was changed"
}

main() {
    local inputs
    HERE=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
    STORAGE_PATH='' PORT_SETTING=--port SHARD_SETTING=--shard
    read_arguments "$@"
    check_host
    if ((DRY_RUN == 0)); then
        LOG_FILE=$(mktemp "${TMPDIR:-/tmp}/go-id-launch.XXXXXX")
        watch_signals
    fi
    recover_from_kill "$NAME"
    inputs="SHARD_ID=$SHARD_ID;HOST_PORT=$HOST_PORT;SOURCES=$SOURCES"
    STEPS_TOTAL=$((6 + BRIDGE_IS_MISSING))
    say "Launch of $NAME"
    ((BRIDGE_IS_MISSING == 0)) || step "create the bridge $BRIDGE" make_bridge
    step "storage pool $STORAGE_LOCATION_ID" make_pool
    step "import the image" import_image "$HERE/$IMAGE"
    step "volumes for state and logs" make_volumes "$NAME"
    step "create the container" make_container "$NAME" "$inputs"
    step "start it" put_in_place "$NAME"
    step "wait until it serves" wait_until_healthy "$NAME"
    forget_undo
    if ((DRY_RUN)); then
        say "Nothing was changed."
        return
    fi
    rm -f -- "$LOG_FILE"
    say "$NAME serves:"
    say "    curl http://localhost:$HOST_PORT/generate"
}
