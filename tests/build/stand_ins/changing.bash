# changing.bash: what every stand-in that changes something begins with.
#
# $STAND_IN is the folder of the world that the stand-ins play: calls (every changing call, a line each), and
# trouble ("N MODE": what befalls the N-th changing call).

# changing WORDS...: counts a changing call and lets happen to it what was asked for.
#   fails    it fails and has changed nothing
#   breaks   it changes what it should, and fails nevertheless
#   hangs    it says so in the file "hanging", waits for the file "release", and then does its work
changing() {
    local calls at=0 mode='' waits=0
    printf '%s\n' "$*" >>"$STAND_IN/calls"
    mapfile -t calls <"$STAND_IN/calls"
    [[ ! -e $STAND_IN/trouble ]] || read -r at mode <"$STAND_IN/trouble"
    ((${#calls[@]} == at)) || return 0
    case $mode in
    fails)
        echo "Error: the stand-in was asked to fail: $*" >&2
        exit 1
        ;;
    breaks) trap 'exit 1' EXIT ;;
    hangs)
        : >"$STAND_IN/hanging"
        while [[ ! -e $STAND_IN/release ]]; do
            /usr/bin/sleep 0.02
            ((++waits < 3000)) || exit 1
        done
        ;;
    esac
}
