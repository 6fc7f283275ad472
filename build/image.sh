# shellcheck shell=bash
# image.sh: from the sources to the image, and what stands beside it: its checksum and launch.sh.

# What the image is made from, besides Debian's packages.  tests/build/test_sources.py finds what is missing here.
IMAGE_SOURCES=(CMakeLists.txt CMakePresets.json LICENSE cmake include lib common server cli packaging container
    docs/openapi.yaml scripts/completions.sh scripts/man_page.sh scripts/service_config.sh build/image.sh)

WORK=$ROOT/out/container     # the log, and in parts/ what is under way
FINGERPRINT=SHA256-OF-IMAGE  # of the image; LXD calls it by that
IMAGE=                       # the file's name

sources_hash() {
    local source sum there=()
    cd -- "$ROOT" || return
    for source in "${IMAGE_SOURCES[@]}"; do
        [[ ! -e $source ]] || there+=("$source")
    done
    sum=$(find "${there[@]}" -type f -not -name '*.pyc' -print0 | sort -z | xargs -0 sha256sum | sha256sum)
    echo "${sum%% *}"
}

project_version() { # in REPLY
    [[ $(<"$ROOT/CMakeLists.txt") =~ project\(go-id\ VERSION\ ([0-9.]*) ]] && REPLY=${BASH_REMATCH[1]}
}

image_name() { # in REPLY
    local machine=$HOSTTYPE
    case $machine in
    x86_64) machine=amd64 ;;
    aarch64) machine=arm64 ;;
    esac
    project_version
    REPLY=go-id-$REPLY-$machine.tar.xz
}

compile_release() {
    change make -C "$ROOT" release
}

# The program as it would be installed, without debug information.
stage_program() {
    change env DESTDIR="$WORK/parts/stage" cmake --install "$ROOT/out/release" --prefix /usr --strip
}

# This and the next step are reproducible: SOURCE_DATE_EPOCH, or else the newest time in Debian's packages.
make_rootfs() {
    change "$ROOT/container/rootfs.sh" "$WORK/parts/stage" "$WORK/parts/rootfs"
}

pack_image() {
    change "$ROOT/container/image.sh" "$WORK/parts/rootfs" "$WORK/parts/$IMAGE"
    ((DRY_RUN)) || FINGERPRINT=$(sha256sum <"$WORK/parts/$IMAGE")
    FINGERPRINT=${FINGERPRINT%% *}
}

clean_work() {
    rm -rf -- "$WORK/parts"
}

# export_image INPUTS: image, checksum and launch.sh into IMAGE_FOLDER; files of the same names are replaced.
export_image() {
    local inputs=$1 file
    if ((DRY_RUN)); then
        for file in "$IMAGE" "$IMAGE.sha256" launch.sh; do
            say "         + write $IMAGE_FOLDER/$file"
        done
        return
    fi
    mkdir -p "$WORK/parts/files"
    mv "$WORK/parts/$IMAGE" "$WORK/parts/files/$IMAGE"
    printf '%s  %s\n' "$FINGERPRINT" "$IMAGE" >"$WORK/parts/files/$IMAGE.sha256"
    print_launch_script "$inputs" >"$WORK/parts/files/launch.sh"
    chmod 755 "$WORK/parts/files/launch.sh"
    change mkdir -p "$IMAGE_FOLDER"
    for file in "$IMAGE" "$IMAGE.sha256" launch.sh; do
        place "$file"
    done
}

# place FILE: moves it from the parts to IMAGE_FOLDER, whole or not at all.
place() {
    local file=$1
    if [[ -e $IMAGE_FOLDER/$file ]]; then
        mkdir -p "$WORK/parts/before"
        cp -p "$IMAGE_FOLDER/$file" "$WORK/parts/before/$file"
        undo_later mv -f "$WORK/parts/before/$file" "$IMAGE_FOLDER/$file"
    else
        undo_later rm -f "$IMAGE_FOLDER/$file"
    fi
    undo_later rm -f "$IMAGE_FOLDER/.$file.new"
    change cp "$WORK/parts/files/$file" "$IMAGE_FOLDER/.$file.new"
    change mv -f "$IMAGE_FOLDER/.$file.new" "$IMAGE_FOLDER/$file"
}

# launch.sh needs nothing of this folder: the settings are written into it, and the parts that make a container.
print_launch_script() { # INPUTS
    local key part parts=()
    printf '#!/usr/bin/env bash\n'
    project_version
    printf '# launch.sh: brings up a shard of go-id %s from the image beside it.  Made by build/build.sh.\n' "$REPLY"
    printf 'set -euo pipefail\nexport LC_ALL=C\n\n'
    printf 'IMAGE=%q\nFINGERPRINT=%q\nSOURCES=%q\n' "$IMAGE" "$FINGERPRINT" "${1##*SOURCES=}"
    for key in STORAGE_LOCATION_ID STORAGE_POOL_SIZE STORAGE_COMPRESSION STORAGE_QUOTA_SIZE STATE_QUOTA_SIZE \
        LOG_QUOTA_SIZE SNAPSHOT_SCHEDULE SNAPSHOT_RETENTION SERVICE_PORT START_TIME MIN_ID MEMORY_LIMIT CPU_LIMIT BRIDGE_SETTING \
        AUTOSTART CONTAINER_NAME; do
        printf '%s=%q\n' "$key" "${!key}"
    done
    printf 'FIRST_PORT=%q\nFIRST_SHARD=%q\n' "$HOST_PORT" "${SHARD_ID%-*}"
    for part in run client values prerequisites container launch_shard; do
        parts+=("$HERE/$part.sh")
    done
    sed -s '1s/.*//; /^ *# shellcheck/d' "${parts[@]}" # the first line is shellcheck's; a blank one divides better
    # shellcheck disable=SC2016
    printf '\nmain "$@"\n'
}
