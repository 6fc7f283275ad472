# shellcheck shell=bash disable=SC2034 # the other parts use what is set here
# container.sh: pool, image, volumes and container; also a part of the generated launch.sh.
#
# What it makes bears user.go-id keys, and what does not bear them is never touched.  A container is made as NAME-new
# and renamed once it is whole; the one that it replaces is NAME-old until the new one serves.  So whatever moment a run
# is killed at, recover() of the next one can tell what happened.
#   user.go-id.inputs   what it was made from, KEY=value;KEY=value...
#   user.go-id.hash     SHA-256 of that
#   user.go-id.replaced of a NAME-old: the new one serves, and this one is to go

BRIDGE_IS_MISSING=0

# ---- taking back: each does nothing where there is nothing ------------------------------------------------------

# retried COMMAND...: a call that was ended may still be at work in the manager.
retried() {
    local i
    for ((i = 0; i < 60; i++)); do
        ! "$@" || return 0
        sleep 0.5
    done
    return 1
}

delete_instance() {
    ! instance_exists "$1" || "$CLIENT" delete --force "$1" </dev/null
}

delete_image() {
    ! image_exists "$1" || "$CLIENT" image delete "$1" </dev/null
}

delete_volume() { # POOL VOLUME
    ! volume_exists "$1" "$2" || "$CLIENT" storage volume delete "$1" "$2" </dev/null
}

delete_pool() {
    pool_driver "$1"
    [[ -z $REPLY ]] || "$CLIENT" storage delete "$1" </dev/null
}

delete_bridge() {
    ask network list --format csv
    ! has_row "$1," || "$CLIENT" network delete "$1" </dev/null
}

delete_subvolume() {
    [[ ! -d $1 ]] || btrfs subvolume delete "$1"
}

rename_back() { # FROM TO
    instance_exists "$2" || ! instance_exists "$1" || "$CLIENT" rename "$1" "$2" </dev/null
}

start_again() {
    instance_runs "$1" || "$CLIENT" start "$1" </dev/null
}

# ---- making ---------------------------------------------------------------------------------------------------

make_bridge() {
    undo_later retried delete_bridge "$BRIDGE"
    change "$CLIENT" network create "$BRIDGE" ipv4.address=auto ipv4.nat=true ipv6.address=none
}

# How a pool on a loop file is mounted, in REPLY.
pool_options() {
    REPLY=user_subvol_rm_allowed
    [[ $STORAGE_COMPRESSION == none ]] || REPLY+=",compress=$STORAGE_COMPRESSION"
}

make_pool() {
    local options
    pool_driver "$STORAGE_LOCATION_ID"
    [[ -z $REPLY ]] || return 0
    if [[ -n $STORAGE_PATH ]]; then
        [[ ! -d $STORAGE_PATH/go-id ]] || change rmdir "$STORAGE_PATH/go-id" # empty, as check_pool() has seen
        undo_later delete_subvolume "$STORAGE_PATH/go-id"
        change btrfs subvolume create "$STORAGE_PATH/go-id"
        [[ $STORAGE_COMPRESSION == none ]] ||
            change btrfs property set "$STORAGE_PATH/go-id" compression "$STORAGE_COMPRESSION"
        undo_later retried delete_pool "$STORAGE_LOCATION_ID"
        change "$CLIENT" storage create "$STORAGE_LOCATION_ID" btrfs source="$STORAGE_PATH/go-id"
    else
        pool_options
        options=$REPLY
        undo_later retried delete_pool "$STORAGE_LOCATION_ID"
        lxd_size "$STORAGE_POOL_SIZE"
        change "$CLIENT" storage create "$STORAGE_LOCATION_ID" btrfs size="$REPLY" btrfs.mount_options="$options"
    fi
}

import_image() { # FILE
    if ((DRY_RUN == 0)) && image_exists "$FINGERPRINT"; then
        return 0
    fi
    undo_later retried delete_image "$FINGERPRINT"
    change "$CLIENT" image import "$1" --alias "go-id-${FINGERPRINT:0:12}"
}

# A volume that is there stays as it is, but for its quota.
make_volume() { # NAME QUOTA
    local pool=$STORAGE_LOCATION_ID name=$1 quota before
    lxd_size "$2"
    quota=$REPLY
    pool_driver "$pool"
    if [[ -z $REPLY ]] || ! volume_exists "$pool" "$name"; then
        undo_later retried delete_volume "$pool" "$name"
        change "$CLIENT" storage volume create "$pool" "$name" size="$quota" user.go-id=yes
        return
    fi
    ask storage volume get "$pool" "$name" size
    before=$REPLY
    if [[ $before != "$quota" ]]; then
        undo_later "$CLIENT" storage volume set "$pool" "$name" size "$before"
        change "$CLIENT" storage volume set "$pool" "$name" size "$quota"
    fi
}

make_volumes() { # CONTAINER
    make_volume "$1-state" "$STATE_QUOTA_SIZE"
    make_volume "$1-log" "$LOG_QUOTA_SIZE"
}

# make_container NAME INPUTS: as NAME-new, not started.
make_container() {
    local name=$1 inputs=$2 new=$1-new pool=$STORAGE_LOCATION_ID start=false config=()
    hash_of "$inputs"
    config+=(-c "user.go-id.inputs=$inputs" -c "user.go-id.hash=$REPLY")
    config+=(-c "limits.memory=$MEMORY_LIMIT")
    [[ $CPU_LIMIT == all ]] || config+=(-c "limits.cpu=$CPU_LIMIT")
    config+=(-c "environment.SHARD_ID=$SHARD_ID" -c "environment.SERVICE_PORT=$SERVICE_PORT")
    [[ -z $START_TIME ]] || config+=(-c "environment.START_TIME=$START_TIME")
    [[ -z $MIN_ID ]] || config+=(-c "environment.MIN_ID=$MIN_ID")
    [[ $AUTOSTART == yes ]] && start=true
    config+=(-c "boot.autostart=$start")
    config+=(-c "snapshots.expiry=${SNAPSHOT_RETENTION}d")
    [[ $SNAPSHOT_SCHEDULE == none ]] || config+=(-c "snapshots.schedule=$SNAPSHOT_SCHEDULE")
    undo_later retried delete_instance "$new"
    change "$CLIENT" init "$FINGERPRINT" "$new" --no-profiles --storage "$pool" "${config[@]}"
    lxd_size "$STORAGE_QUOTA_SIZE"
    change "$CLIENT" config device set "$new" root size="$REPLY"
    change "$CLIENT" config device add "$new" eth0 nic name=eth0 nictype=bridged parent="$BRIDGE"
    change "$CLIENT" config device add "$new" state disk pool="$pool" source="$name-state" path=/var/lib/go-id
    change "$CLIENT" config device add "$new" log disk pool="$pool" source="$name-log" path=/var/log/go-id
    change "$CLIENT" config device add "$new" api proxy \
        listen="tcp:127.0.0.1:$HOST_PORT" connect="tcp:127.0.0.1:$SERVICE_PORT"
}

# put_in_place NAME: NAME-new becomes NAME, and starts.  The one that was there has stopped for as short as can be.
put_in_place() {
    local name=$1
    if instance_exists "$name"; then
        if instance_runs "$name"; then
            undo_later retried start_again "$name"
            change "$CLIENT" stop "$name" --timeout 60
        fi
        undo_later rename_back "$name-old" "$name"
        change "$CLIENT" rename "$name" "$name-old"
    fi
    undo_later retried delete_instance "$name"
    change "$CLIENT" rename "$name-new" "$name"
    change "$CLIENT" start "$name"
}

# wait_until_healthy NAME: about a minute at most.
wait_until_healthy() {
    local name=$1 url=http://127.0.0.1:$HOST_PORT/health answer i
    if ((DRY_RUN)); then
        say "         (waits until $url answers OK)"
        return
    fi
    for ((i = 0; i < 80; i++)); do
        answer=$(curl -sS --noproxy '*' --max-time 5 "$url" 2>&1) || true
        [[ $answer != OK ]] || return 0
        sleep "$((i < 25 ? 0 : 1)).2"
    done
    end_step_line FAILED
    {
        printf '%s does not say OK, but: %s\n' "$url" "${answer:-nothing}"
        echo "What the service says:"
        timeout --foreground 20 "$CLIENT" exec "$name" -- systemctl --no-pager -l status go-id </dev/null 2>&1 | sed 's/^/    | /'
        timeout --foreground 20 "$CLIENT" exec "$name" -- tail -n 20 /var/log/go-id/service.log </dev/null 2>&1 | sed 's/^/    | /'
    } >&2 || true
    fail "$name runs, but go-id in it is not well"
}

first_snapshot() {
    snapshot_words "$1" first
    change "${WORDS[@]}"
}

# hash_of TEXT: SHA-256 of it, in REPLY.
hash_of() {
    REPLY=$(sha256sum <<<"$1")
    REPLY=${REPLY%% *}
}

# ---- after a run that was killed --------------------------------------------------------------------------------

# recover NAME: a NAME-old that was not yet replaced is the one that counts: the other had not been seen to serve.
recover() {
    local name=$1
    if instance_exists "$name-new" && is_ours "$name-new"; then
        change "$CLIENT" delete --force "$name-new"
    fi
    if instance_exists "$name-old" && is_ours "$name-old"; then
        instance_key "$name-old" user.go-id.replaced
        if [[ -n $REPLY ]]; then
            change "$CLIENT" delete --force "$name-old"
            return
        fi
        if instance_exists "$name" && is_ours "$name"; then
            change "$CLIENT" delete --force "$name"
        fi
        change "$CLIENT" rename "$name-old" "$name"
        change "$CLIENT" start "$name"
    fi
}

recover_from_kill() { # NAME
    if instance_exists "$1-new" || instance_exists "$1-old"; then
        STEPS_TOTAL=1
        step "clear up after a run that was killed" recover "$1"
        STEP_NUMBER=0
    fi
}
