"""Arguments and configuration: every problem with its place, before anything is touched."""

import subprocess

import pytest

import world as worlds


@pytest.mark.parametrize("arguments, said", [
    (["--rebild"], "unknown option '--rebild'"),
    (["one.conf", "two.conf"], "more than one configuration: one.conf and two.conf"),
    (["/nowhere/a.conf"], "there is no configuration /nowhere/a.conf"),
    (["--image-only", "--rebuild"], "exclude each other"),
])
def test_wrong_arguments_are_refused(world, arguments, said):
    status, all_said = world.run(*arguments)
    assert status == 2
    assert said in all_said
    assert "Try build/build.sh --help" in all_said
    assert world.calls() == []


def test_help_names_every_option(world):
    status, said = world.run("--help")
    assert status == 0
    for option in ("--check", "--dry-run", "--install", "--create-bridge", "--rebuild", "--image-only", "--help"):
        assert f"  {option}" in said or f", {option}" in said


def test_all_problems_of_a_configuration_come_in_one_run_with_their_lines(world):
    locations = world.folder / "locations"
    locations.write_text("btrfs_local_main.path=relative/path\n\nbtrfs_local_main.path=/tmp\n")
    lines = {
        'STORAGE_QOUTA_SIZE="5G"': "unknown setting 'STORAGE_QOUTA_SIZE'; did you mean 'STORAGE_QUOTA_SIZE'?",
        "shard_id=1": "unknown setting 'shard_id'; did you mean 'SHARD_ID'?",
        "WHATEVER=1": "unknown setting 'WHATEVER'",
        "STORAGE_QUOTA_SIZE=5": "'STORAGE_QUOTA_SIZE' must be a size of at least 128M, such as 512MB or 5G, not \"5\"",
        "LOG_QUOTA_SIZE=1M": "'LOG_QUOTA_SIZE' must be a size of at least 64M, such as 512MB or 5G, not \"1M\"",
        "SERVICE_PORT=70000": "'SERVICE_PORT' must be a port from 1024 to 65535, not \"70000\"",
        "SERVICE_PORT=7001": "'SERVICE_PORT' was already set on line 7",
        'SHARD_ID="9-3"': "'SHARD_ID' must be a number from 0 to 65535, or a range such as 64-127, not \"9-3\"",
        "CPU_LIMIT=0": "'CPU_LIMIT' must be a number from 1 to 512, or all, not \"0\"",
        'SNAPSHOT_SCHEDULE="daily"': "'SNAPSHOT_SCHEDULE' must be @hourly, @daily, @weekly, @monthly, none, or five "
                                     "fields of cron such as 30 3 * * *, not \"daily\"",
        "SNAPSHOT_RETENTION=x": "'SNAPSHOT_RETENTION' must be a number of days from 1 to 3650, not \"x\"",
        'STORAGE_COMPRESSION="zstd:99"': "'STORAGE_COMPRESSION' must be none, lzo, zlib, zlib:1 to 9, zstd, or "
                                         "zstd:1 to 15, not \"zstd:99\"",
        "START_TIME=2022": "'START_TIME' must be a time from 1970 to now, such as 2014-09-01T00:00:00Z, or "
                           "empty, not \"2022\"",
        "AUTOSTART=1": "'AUTOSTART' must be yes or no, not \"1\"",
        "BRIDGE=": "'BRIDGE' must be auto, or the name of a bridge such as lxdbr0, not \"\"",
        'CONTAINER_NAME="go id"': "'CONTAINER_NAME' must be 1 to 30 letters, digits or '-', with a letter first, "
                                  "not \"go id\"",
        'MEMORY_LIMIT="$(reboot)"': "'MEMORY_LIMIT': '$', '`' and '\\' are not allowed: the file is read, not run "
                                    "by a shell",
        'HOST_PORT="7001': "'HOST_PORT': the closing quote is missing",
        "STATE_QUOTA_SIZE=300M;reboot": "'STATE_QUOTA_SIZE': this value needs quotes",
        'STORAGE_POOL_SIZE="12G" 13G': "'STORAGE_POOL_SIZE': something follows the value; quote the whole of it, or "
                                       "begin a comment with ' #'",
        "CONTAINER_VERSION = v2": "no blank may stand around the '='",
        "export GO_VERSION=1.21": "write KEY=\"value\" without 'export'",
        "rm -rf /": "this is no KEY=\"value\"",
        "STORAGE_LOCATION_ID=btrfs_local_main\r": "the line ends in CR LF; save the file with LF alone",
    }
    world.conf.write_bytes(("\n".join(lines) + f'\nSTORAGE_LOCATIONS_FILE="{locations}"').encode())
    status, said = world.build()
    assert status == 2
    expected = [f"{world.conf}:{number}: {message}" for number, message in enumerate(lines.values(), 1)]
    expected[6] = expected[6].replace("line 7", "line 6")
    assert said.splitlines() == [
        *expected,
        f"{locations}:1: 'btrfs_local_main.path' must be an absolute path without quotes, not \"relative/path\"",
        f"{locations}:3: 'btrfs_local_main.path' was already set on line 1",
        "build.sh: nothing was changed"]
    assert world.calls() == []


WRONG_VALUES = {
    "SERVICE_PORT": ["80", "1023", "65536"],
    "SNAPSHOT_SCHEDULE": ["99 99 99 99 99", "60 3 * * *", "0 24 * * *", "0 3 0 * *", "0 3 32 * *", "0 3 * 0 *",
                          "0 3 * 13 *", "0 3 * * 7", "*/0 * * * *", "9-3 * * * *", "1,,2 * * * *", "1-2-3 * * * *",
                          "5* * * * *", "* * * *", "* * * * * *", "0-60 * * * *"],
    "MIN_ID": ["9223372036854775808", "9999999999999999999", "00010000000000000000000", "1e3", "-1"],
    "START_TIME": ["2022-99-99T99:99:99Z", "2022-02-30T00:00:00Z", "2022-01-01T24:00:00Z", "2022-01-01T00:00:60Z",
                   "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"],
}
RIGHT_VALUES = {
    "SERVICE_PORT": ["1024", "65535"],
    "SNAPSHOT_SCHEDULE": ["*/15 0-23/2 1,15,31 1-12 0,6", "05 3 * * *", "59 23 31 12 6", "none", "@daily"],
    "MIN_ID": ["", "0", "9223372036854775807", "000000000000000000000001"],
    "START_TIME": ["", "1970-01-01T00:00:00Z", "2022-02-28T23:59:59+01:00"],
}
SAY_THE_WRONG_ONES = """
source build/run.sh && source build/values.sh && source build/settings.sh && rule_of "$1" && rule=$REPLY
for value in "${@:2}"; do rule_problem "$rule" "$value"; [[ -z $REPLY ]] || echo "$value"; done
"""


@pytest.mark.parametrize("setting", WRONG_VALUES)
def test_values_that_would_only_fail_in_the_container_are_refused(setting):
    values = RIGHT_VALUES[setting] + WRONG_VALUES[setting]
    refused = subprocess.run(["bash", "-c", SAY_THE_WRONG_ONES, "bash", setting, *values], cwd=worlds.PROJECT, check=True,
                             env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True).stdout
    assert refused.splitlines() == WRONG_VALUES[setting]


@pytest.mark.parametrize("text", [
    'STORAGE_LOCATION_ID="btrfs_local_main"  # Your BTRFS location\nSTORAGE_QUOTA_SIZE="5G"   # Disk quota\n'
    'SERVICE_PORT="7001"                      # API port\nGO_VERSION="1.21"                        # Go version\n',
    "# nothing\n\n   # but comments\n",
    "STORAGE_QUOTA_SIZE='512MB'\nMEMORY_LIMIT=1GiB # without quotes\n  SHARD_ID=0",
    'HOST_PORT=\nSTORAGE_LOCATIONS_FILE=""\n',
])
def test_what_is_valid_is_accepted(world, text):
    world.conf.write_text(text)
    status, said = world.build("--check")
    assert status == 0, said


def test_the_file_is_read_and_not_run(world):
    world.configure(f"GO_VERSION='1.21' # $(touch {world.folder}/ran)\n")
    status, said = world.build("--check")
    assert status == 0, said
    assert "note: GO_VERSION 1.21 is not used" in said
    assert not (world.folder / "ran").exists()


def test_the_default_configuration_is_valid_shell_and_states_the_defaults(world):
    """Every setting of the table is in build.conf, with the value that it has when it is left out."""
    table = (worlds.PROJECT / "build/settings.sh").read_text().split("SETTINGS_TABLE='\n")[1].split("'")[0]
    defaults = {name: "" if default == "-" else default
                for name, default, _ in (row.split() for row in table.splitlines())}
    shown = {}
    for line in (worlds.PROJECT / "build/build.conf").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("=")
            shown[name] = value.strip('"')
    assert shown.pop("GO_VERSION") == "1.21"  # the seed's; it has no default, since it has no meaning
    assert defaults.pop("GO_VERSION") == ""
    assert shown == defaults
