# common.sh - what the scripts of this folder and .ci/run share. Sourced, never run.
#
# Gives $root, the repository's folder, and counted steps with progress lines:
#
#     steps_begin 3
#     step_begin "scripts"
#     step_end ok                          # [1/3] scripts … ok 0.2 s
#     step_begin "format"
#     step_end FAILED "what it printed"    # the output follows in full
#     steps_end                            # the last line: 1 passed, 1 failed

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Wrong usage: one line, exit status 2.
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 2
}

# Milliseconds since some fixed moment, into the variable named $1.
now_ms() { printf -v "$1" '%d' $((${EPOCHREALTIME/[!0-9]/} / 1000)); }

# Seconds with one decimal since the moment $2 of now_ms, into the variable named $1.
seconds_since() {
    local now
    now_ms now
    printf -v "$1" '%d.%d' $(((now - $2) / 1000)) $(((now - $2) % 1000 / 100))
}

passed=0 failed=0 step=0 steps=0 step_started=0
step_lane= # its name, while another lane prints as well: a step's line comes whole then, at its end
step_name=

steps_begin() { steps=$1 step=0; }

step_begin() {
    step=$((step + 1)) step_name=$1
    now_ms step_started
    if [[ ! $step_lane ]]; then printf '[%d/%d] %s … ' "$step" "$steps" "$1"; fi
}

# step_end ok|FAILED [OUTPUT [NOTE]]: ends the line; prints OUTPUT when it failed. Counts nothing.
step_line() {
    local took
    seconds_since took "$step_started"
    if [[ $step_lane ]]; then printf '[%s %d/%d] %s … ' "$step_lane" "$step" "$steps" "$step_name"; fi
    printf '%s %s s%s\n' "$1" "$took" "${3:+ ($3)}"
    if [[ $1 != ok && -n ${2:-} ]]; then printf '%s\n' "$2"; fi
}

# The same, counted as one.
step_end() {
    step_line "$@"
    if [[ $1 == ok ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
}

# The line that callers and CI read; status 1 when anything failed.
steps_end() {
    printf '%d passed, %d failed\n' "$passed" "$failed"
    ((failed == 0))
}

# Files of the repository, those not yet added included, deleted ones left out.
repository_files() {
    (
        cd "$root"
        git -c safe.directory="$root" ls-files --cached --others --exclude-standard "$@" | sort -u |
            while IFS= read -r file; do if [[ -f $file ]]; then printf '%s\n' "$file"; fi; done
    )
}
