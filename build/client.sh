# shellcheck shell=bash disable=SC2034 # the other parts use what is set here
# client.sh: the command that talks to the container manager, LXD's or Incus', and what it is asked.
#
# Both take the same commands but for the few below.  A question that gets no answer ends the run: it must never count
# as "there is none".

CLIENT=${CLIENT-}    # lxc or incus, once find_client() has found one that answers

# find_client: sets CLIENT to the first that answers.  Returns 1 when none does, 2 when none is there; CLIENT is then
# the one that should, and REPLY what it said.
find_client() {
    local candidate said reason='' found=
    for candidate in lxc incus; do
        command -v "$candidate" >/dev/null || continue
        found=${found:-$candidate}
        if said=$(timeout --foreground 20 "$candidate" query /1.0 </dev/null 2>&1); then
            CLIENT=$candidate
            return 0
        fi
        reason=${reason:-$said}
    done
    CLIENT=${found:-lxc}
    REPLY=$(tail -n 1 <<<"$reason")
    [[ -z $found ]] || return 1
    return 2
}

# ask ARGUMENTS...: a question to the manager; its answer is in REPLY.  What was asked since the last change is
# remembered.  Where a dry run would have to install it first, there is nothing yet.
ask() {
    if ((DRY_RUN && MANAGER_ANSWERS == 0)); then
        REPLY=
        return
    fi
    if [[ -n ${ASKED["$*"]+known} ]]; then
        REPLY=${ASKED["$*"]}
        return
    fi
    REPLY=$(timeout --foreground 60 "$CLIENT" "$@" </dev/null 2>>"$LOG_FILE") || {
        quote "$CLIENT" "$@"
        fail "no answer to '$REPLY'; see $LOG_FILE"
    }
    ((FORGETFUL)) || ASKED["$*"]=$REPLY
}

# list_instances: in REPLY, a line each: name, state, SHARD_ID, boot.autostart, and the hash that containers of go-id
# bear.  One question for all that is to be known of them.
list_instances() {
    ask list --format csv --columns n,s,environment.SHARD_ID:SHARD,boot.autostart:BOOT,user.go-id.hash:HASH
}

has_line() {
    [[ $'\n'$REPLY$'\n' == *$'\n'"$1"$'\n'* ]]
}

# Lines that begin with the text.
has_row() {
    [[ $'\n'$REPLY == *$'\n'"$1"* ]]
}

instance_exists() {
    list_instances
    has_row "$1,"
}

instance_runs() {
    list_instances
    has_row "$1,RUNNING," || has_row "$1,Running,"
}

# Made by these scripts, or a copy of what was.
is_ours() {
    list_instances
    [[ $'\n'$REPLY$'\n' =~ $'\n'"$1",[^$'\n']*,[0-9a-f]+$'\n' ]]
}

# instance_key NAME KEY: in REPLY, empty when unset.
instance_key() {
    ask config get "$1" "$2"
}

image_exists() {
    ask image list --format csv --columns F
    has_line "$1"
}

# pool_driver POOL: in REPLY, empty when there is no such pool.
pool_driver() {
    ask storage list --format csv
    if has_row "$1,"; then
        REPLY=${REPLY#*"$1,"}
        REPLY=${REPLY%%,*}
    else
        REPLY=
    fi
}

volume_exists() { # POOL VOLUME
    ask storage volume list "$1" --format csv
    has_row "custom,$2,"
}

# The commands that differ.  They are printed as words, one per line, for change().
snapshot_words() { # NAME SNAPSHOT
    if [[ $CLIENT == incus ]]; then
        WORDS=(incus snapshot create "$1" "$2" --no-expiry)
    else
        WORDS=(lxc snapshot "$1" "$2" --no-expiry)
    fi
}
