#!/usr/bin/env bash
# A disk with a bare Debian as clouds have it: disk.sh FOLDER. As root; from Debian's packages alone.
# What is a test's own, and no cloud's: a shell on the second console, registries on the host without TLS, pip's
# packages from a disk, and no timers that would want the processor.
set -euo pipefail
out=$1 root=$1/root
mkdir -p "$out"

cat >"$out/shell.service" <<'UNIT'
[Unit]
Description=A shell for the test that has started this machine
DefaultDependencies=no
After=systemd-remount-fs.service
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/bash
StandardInput=tty-force
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
Restart=always
RestartSec=1
[Install]
WantedBy=basic.target
UNIT

mmdebstrap --quiet --variant=apt --mode=root \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='force-unsafe-io' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include=linux-image-cloud-amd64,initramfs-tools,zstd,systemd-sysv,systemd-resolved,udev,dbus,netplan.io,cloud-init,ca-certificates,python3-venv,e2fsprogs \
    --customize-hook='copy-in '"$out"'/shell.service /etc/systemd/system' \
    --customize-hook='mkdir -p "$1/etc/systemd/system/basic.target.wants"; ln -s ../shell.service "$1/etc/systemd/system/basic.target.wants/shell.service"' \
    --customize-hook='mkdir -p "$1/etc/docker"; echo "{\"insecure-registries\": [\"10.0.2.0/24\"]}" >"$1/etc/docker/daemon.json"' \
    --customize-hook='printf "[global]\nno-index = true\nfind-links = /mnt/media/wheels\n" >"$1/etc/pip.conf"' \
    --customize-hook='echo "/dev/vda / ext4 defaults,noatime 0 1" >"$1/etc/fstab"' \
    --customize-hook='echo "datasource_list: [NoCloud, None]" >"$1/etc/cloud/cloud.cfg.d/90_dpkg.cfg"' \
    --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs' \
    --customize-hook='for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer; do ln -sf /dev/null "$1/etc/systemd/system/$unit"; done' \
    --customize-hook=': >"$1/etc/machine-id"; echo machine >"$1/etc/hostname"' \
    bookworm "$root" 2>"$out/mmdebstrap.log"
cp "$root"/boot/vmlinuz-* "$out/vmlinuz"
cp "$root"/boot/initrd.img-* "$out/initrd.img"
rm -f "$out/disk.raw"
truncate -s 4G "$out/disk.raw"
mke2fs -q -F -t ext4 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -d "$root" "$out/disk.raw"
rm -rf "$root"
