# shellcheck shell=bash
# run.sh: steps, the commands that change something, and what takes them back.
#
# Every command that changes anything goes through change(): it is shown in a dry run instead of being run, it is
# written to the log, and a signal cannot tear it apart.  What a change makes is named with undo_later() *before* it is
# made, so that a failure or a signal at any moment removes it.

DRY_RUN=0
LOG_FILE=/dev/null   # what the commands say
STEPS_TOTAL=0
STEP_NUMBER=0
STEP_STARTED=0       # microseconds; 0 between steps
UNDO=()
CHILD=               # pid and process group of the command under way
CHILD_IS_CLIENT=0    # 1: a call to LXD, which is better waited for than ended
declare -A ASKED=()  # questions of ask(), and their answers, since the last change
FORGETFUL=0          # 1: nothing is remembered, as while things are taken back
SIGNAL=              # the first signal that came
SIGNALS=0
PATIENCE_S=20        # how long a call to LXD may go on after a signal

say() {
    printf '%s\n' "$*"
}

# fail MESSAGE...: says why and ends; what was half made is removed on the way out.
fail() {
    end_step_line FAILED
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# The words of a command as one would type them, in REPLY.
quote() {
    local word line=
    for word in "$@"; do
        if [[ $word =~ ^[A-Za-z0-9_./:=,@%+-]+$ ]]; then
            line+=" $word"
        else
            line+=" '${word//\'/\'\\\'\'}'"
        fi
    done
    REPLY=${line# }
}

# ---- steps ------------------------------------------------------------------------------------

microseconds() {
    REPLY=${EPOCHREALTIME/[.,]/}
}

# step TITLE FUNCTION: one line per step, with its number and its time.
step() {
    local title=$1
    shift
    STEP_NUMBER=$((STEP_NUMBER + 1))
    microseconds
    STEP_STARTED=$REPLY
    printf '[%2d/%d] %-46s' "$STEP_NUMBER" "$STEPS_TOTAL" "$title"
    if ((DRY_RUN)); then
        printf '\n'
        STEP_STARTED=0
    fi
    printf '\n== %s\n' "$title" >>"$LOG_FILE"
    "$@"
    end_step_line
}

# end_step_line [WORD]: closes the line of the step under way, if there is one.
end_step_line() {
    ((STEP_STARTED > 0)) || return 0
    microseconds
    local tenths=$(((REPLY - STEP_STARTED) / 10000))
    STEP_STARTED=0
    printf '%4d.%02d s %s\n' $((tenths / 100)) $((tenths % 100)) "${1:-}"
}

# ---- changes ----------------------------------------------------------------------------------

# change COMMAND...: runs what changes something.  A session of its own keeps a Ctrl-C on the terminal from
# it; on_signal() decides what becomes of it.  What this script ignores is none of its business.
change() {
    local status=0
    quote "$@"
    if ((DRY_RUN)); then
        printf '         + %s\n' "$REPLY"
        return 0
    fi
    printf '+ %s\n' "$REPLY" >>"$LOG_FILE"
    ASKED=()
    CHILD_IS_CLIENT=0
    [[ $1 != "${CLIENT:-}" ]] || CHILD_IS_CLIENT=1
    (trap - PIPE && exec setsid "$@") </dev/null >>"$LOG_FILE" 2>&1 &
    CHILD=$!
    wait "$CHILD" || status=$?
    if ((SIGNALS > 0)); then
        let_child_end
        CHILD=
        exit_by_signal
    fi
    CHILD=
    ((status == 0)) || fail_command "$status" "$@"
}

# fail_command STATUS COMMAND...: with the end of what the command said, which is what the log holds behind it.
fail_command() {
    local status=$1 log
    shift
    end_step_line FAILED
    quote "$@"
    log=$(<"$LOG_FILE")
    {
        printf '%s: this ended with status %d:\n    %s\n' "${0##*/}" "$status" "$REPLY"
        tail -n 15 <<<"${log##*"+ $REPLY"}" | sed '/^$/d; s/^/    | /'
        printf 'Everything that was said is in %s\n' "$LOG_FILE"
    } >&2
    exit 1
}

# A signal has come: waits for the command under way, but not for ever.
let_child_end() {
    local deadline=$((SECONDS + PATIENCE_S)) ended=0
    while kill -0 "$CHILD" 2>/dev/null; do
        if ((ended == 0 && (SIGNALS > 1 || SECONDS >= deadline))); then
            signal_child KILL
            ended=1
        fi
        sleep 0.05
    done
}

# The child leads its group from shortly after its start.
signal_child() {
    kill "-$1" -- "-$CHILD" 2>/dev/null || kill "-$1" "$CHILD" 2>/dev/null || true
}

# Nobody may be there to read what these say: a terminal that is gone, a pipe that is closed.
on_signal() {
    SIGNALS=$((SIGNALS + 1))
    SIGNAL=${SIGNAL:-$1}
    [[ -n $CHILD ]] || exit_by_signal
    if ((SIGNALS > 1)); then
        return
    fi
    end_step_line interrupted || true
    if ((CHILD_IS_CLIENT)); then
        echo "interrupted: waiting for the command under way (once more: end it)" >&2 || true
    else
        signal_child TERM
    fi
}

exit_by_signal() {
    end_step_line interrupted || true
    exit $((SIGNAL == 2 ? 130 : 143))
}

# ---- taking back ------------------------------------------------------------------------------

# undo_later COMMAND...: run, last in first out, unless forget_undo() comes before the end.  The command must do
# nothing where there is nothing to take back.
undo_later() {
    local command
    printf -v command '%q ' "$@"
    ((DRY_RUN)) || UNDO+=("$command")
}

# What was made so far is here to stay.
forget_undo() {
    UNDO=()
}

on_exit() {
    local status=$? i left=()
    trap '' INT TERM HUP PIPE
    trap - EXIT
    set +e # not even a message that cannot be written keeps it from what is left to do
    # shellcheck disable=SC2034 # for ask()
    ASKED=() FORGETFUL=1
    if ((${#UNDO[@]} > 0 && status != 0)); then
        echo "removing what was half made" >&2
        for ((i = ${#UNDO[@]} - 1; i >= 0; i--)); do
            printf '+ (undo) %s\n' "${UNDO[i]}" >>"$LOG_FILE"
            (eval "${UNDO[i]}") >>"$LOG_FILE" 2>&1 || left+=("${UNDO[i]}")
        done
        if ((${#left[@]} > 0)); then
            printf 'could not be taken back (see %s): %s\n' "$LOG_FILE" "${left[*]}" >&2
        else
            echo "what was there before is as it was" >&2
        fi
    fi
    exit "$status"
}

# A closed pipe is not a signal but a line that cannot be written, which ends the run as any failure does.
watch_signals() {
    trap '' PIPE
    trap 'on_signal 2' INT
    trap 'on_signal 15' TERM
    trap 'on_signal 15' HUP
    trap on_exit EXIT
}
