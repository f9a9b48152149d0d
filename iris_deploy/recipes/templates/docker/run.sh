#!/bin/sh
# {$ model $} version {$ version $} in Docker, on this machine: sh run.sh
# Again with another image: the container of before is stopped first, which answers what it has.
set -eu
{% if tokens %}
cd "$(dirname "$0")"
# One token a line, for uid {$ f.USER $} to read: openssl rand -hex 32 >secrets/tokens
# Another token later: write it beside the old one, then docker kill --signal HUP {$ name $}
[ -s secrets/tokens ] || { echo "put a bearer token into secrets/tokens first" >&2; exit 1; }
{% endif %}

docker pull {$ image $}
docker stop --time {$ f.KILL_AFTER $} {$ name $} 2>/dev/null || true
docker rm --force {$ name $} 2>/dev/null || true

# It writes nothing, needs no privilege, and comes back after a reboot.
docker run --detach --name {$ name $} \
    --restart unless-stopped --stop-timeout {$ f.KILL_AFTER $} \
    --publish {$ port $}:{$ f.PORT $} \
    --read-only --cap-drop ALL --security-opt no-new-privileges \
    --memory {$ memory.limit_mib $}m --memory-swap {$ memory.limit_mib $}m --pids-limit 256 \
    --log-opt max-size=10m --log-opt max-file=3 \
{% if tokens %}
    --volume "$PWD/secrets:/run/secrets:ro" \
{% endif %}
    {$ image $} \
    {$ serve | join(" ") $}

# Wait until it is ready, half a minute at most.
end=$(($(date +%s) + 30))
until docker exec {$ name $} {$ f.HEALTHCHECK $} >/dev/null 2>&1; do
    if [ "$(date +%s)" -ge "$end" ]; then
        docker logs --tail 20 {$ name $} >&2
        exit 1
    fi
    sleep 0.5
done
