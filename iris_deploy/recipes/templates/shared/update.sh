#!/bin/sh
# Serve another image: {$ name $}-update user/iris@sha256:...
# It is pulled first. If it is not ready within a minute, or ends three times, the one of before serves on.
set -eu
image=${1:?say which image}
file=/etc/{$ name $}/image
docker pull "$image"
before=$(cat "$file")

use() {
    printf '%s\n' "$1" >"$file.new"
    mv "$file.new" "$file"
    systemctl restart {$ name $}.service
    end=$(($(date +%s) + 60))
    until docker exec {$ name $} {$ f.HEALTHCHECK $} >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$end" ] || return 1
        [ "$(systemctl show --property NRestarts --value {$ name $}.service)" -lt 3 ] || return 1
        sleep 0.5
    done
}

use "IMAGE=$image" && exit 0
echo "$image is not ready; back to ${before#IMAGE=}" >&2
journalctl --no-pager --lines 20 --unit {$ name $}.service >&2
use "$before"
exit 1
