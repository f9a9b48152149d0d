#!/bin/sh
# Have systemd run {$ image $} on this machine: sudo sh install.sh
# Again later, with another image beside it: the old one stops when the new one is here.
set -eu
cd "$(dirname "$0")"
command -v docker >/dev/null || { echo "docker is not installed: apt-get install docker.io" >&2; exit 1; }

docker pull {$ image $}
install -d -m 755 /etc/{$ name $}
install -m 644 image /etc/{$ name $}/image
{% if tokens %}
install -d -m 755 /etc/{$ name $}/secrets
# One token a line. Others later: edit this file, then systemctl reload {$ name $}
[ -s /etc/{$ name $}/secrets/tokens ] || {
    umask 077
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >/etc/{$ name $}/secrets/tokens
    chown {$ f.USER $} /etc/{$ name $}/secrets/tokens
}
{% endif %}
install -m 644 {$ name $}.service /etc/systemd/system/{$ name $}.service
systemctl daemon-reload
systemctl enable {$ name $}.service
systemctl restart {$ name $}.service

# Wait until it is ready, a minute at most.
end=$(($(date +%s) + 60))
until docker exec {$ name $} {$ f.HEALTHCHECK $} >/dev/null 2>&1; do
    if [ "$(date +%s)" -ge "$end" ]; then
        journalctl --no-pager --lines 20 --unit {$ name $}.service >&2
        exit 1
    fi
    sleep 0.5
done
