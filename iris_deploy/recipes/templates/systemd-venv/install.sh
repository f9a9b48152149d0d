#!/bin/sh
# Serve {$ model $} on this machine without any container: sudo sh install.sh ARTIFACTS
# ARTIFACTS is the folder that `iris-deploy train` has written; its model {$ model $} is copied.
# Again with a newer version in it: it is swapped in without losing a request.
set -eu
artifacts=$(cd "${1:?say where the artifacts are}" && pwd)
cd "$(dirname "$0")"
[ -d "$artifacts/{$ model $}" ] || { echo "$artifacts has no model {$ model $}" >&2; exit 1; }

install -d -m 755 /opt/{$ name $}/artifacts/{$ model $}
for version in "$artifacts"/{$ model $}/[0-9]*; do
    target=/opt/{$ name $}/artifacts/{$ model $}/${version##*/}
    [ -e "$target" ] && continue
    # In one step, so that a server that watches sees all of it or nothing.
    rm -rf "$target.part"
    cp -r "$version" "$target.part"
    chmod -R u=rwX,go=rX "$target.part"
    mv "$target.part" "$target"
done

if ! cmp -s requirements.txt /opt/{$ name $}/requirements.txt; then
    # Beside the one that runs; the path of a virtual environment cannot change, so a link leads to it.
    new=/opt/{$ name $}/venv-$(date +%s)
    python3 -m venv "$new"
    "$new/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement requirements.txt
    ln -sfn "$new" /opt/{$ name $}/venv.new
    mv -T /opt/{$ name $}/venv.new /opt/{$ name $}/venv
    install -m 644 requirements.txt /opt/{$ name $}/requirements.txt
    restart=yes
fi
{% if tokens %}
install -d -m 755 /etc/{$ name $}
[ -s /etc/{$ name $}/tokens ] || {
    umask 077
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n' >/etc/{$ name $}/tokens
}
{% endif %}
for unit in {$ name $}.socket {$ name $}.service; do
    if ! cmp -s "$unit" "/etc/systemd/system/$unit"; then
        install -m 644 "$unit" "/etc/systemd/system/$unit"
        restart=yes
    fi
done
systemctl daemon-reload
systemctl enable {$ name $}.socket {$ name $}.service
systemctl start {$ name $}.socket
if [ "${restart:-no}" = yes ]; then
    systemctl restart {$ name $}.service  # who connects meanwhile waits
else
    systemctl reload-or-restart {$ name $}.service
fi
