#!/usr/bin/env bash
# Throw-away machines with a real systemd as PID 1 (systemd-nspawn over a Debian 12 tree), driven from outside.
# A node is: the base tree (mmdebstrap, built once, read-only), an overlay of its own, cgroups of its own, and the
# network namespace it is given. Needs root, systemd-container, mmdebstrap and iproute2.
#
#   systemd-node.sh build                        the base tree, unless it is there
#   systemd-node.sh up NAME NETNS [ARGUMENT...]  boot with more arguments for systemd-nspawn; returns when it has booted
#   systemd-node.sh exec NAME COMMAND...         run in the node's namespaces, exit status kept
#   systemd-node.sh root NAME                    path of its root tree
#   systemd-node.sh stop NAME                    orderly shutdown, disk kept: `up` boots it again
#   systemd-node.sh down NAME                    orderly shutdown, disk and cgroups removed
set -euo pipefail

folder=${MESH_GATEWAY_NODES:-/var/tmp/mesh-gateway-nodes}
suite=bookworm
packages=systemd,systemd-sysv,dbus,libstdc++6,curl,iproute2
# not installed, as on a minimal Debian, but at hand in /srv for a machine without a network
offline_packages=libatomic1
base=$folder/base-$suite-$(printf %s "$packages $offline_packages" | cksum | cut -d' ' -f1)
boot_seconds=60
# a stock Debian 12 has cgroup v2 alone, whatever this machine mounts
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1

die() {
  echo "systemd-node: $*" >&2
  exit 1
}

build() {
  if [ -e "$base/.built" ]; then return; fi
  mkdir -p "$folder"
  # two test runs may want it at once
  exec 9>"$folder/build.lock"
  flock 9
  if [ -e "$base/.built" ]; then return; fi
  rm -rf "$base" "$base.new"
  local mirror
  mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
  nice mmdebstrap --quiet --mode=root --variant=apt --include="$packages" --aptopt='Acquire::Languages none' \
    --customize-hook="chroot \"\$1\" sh -c 'cd /srv && apt-get -q download $offline_packages'" \
    "$suite" "$base.new" ${mirror:+"$mirror"} >"$folder/build.log" 2>&1 ||
    { tail -n 20 "$folder/build.log" >&2 && die 'mmdebstrap failed'; }
  rm -rf "$base.new"/var/cache/apt/archives/*.deb "$base.new"/var/lib/apt/lists/* "$base.new"/usr/share/{doc,man,locale,info}/*
  : >"$base.new/etc/machine-id"
  rm -f "$base.new/etc/hostname" "$base.new/etc/resolv.conf"
  printf '127.0.0.1 localhost\n::1 localhost\n' >"$base.new/etc/hosts"
  mask_what_a_test_does_not_want
  touch "$base.new/.built"
  mv "$base.new" "$base"
}

mask_what_a_test_does_not_want() {
  local unit
  for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer systemd-tmpfiles-clean.timer getty.target console-getty.service dev-hugepages.mount \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service; do
    ln -sf /dev/null "$base.new/etc/systemd/system/$unit"
  done
  ln -sf /lib/systemd/system/multi-user.target "$base.new/etc/systemd/system/default.target"
}

# every hierarchy that systemd itself needs: v2, or v1 name=systemd beside v2
cgroup_roots() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    echo /sys/fs/cgroup
  else
    for root in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do if [ -d $root ]; then echo $root; fi; done
  fi
}

# the node's PID 1 as a pid of this machine: the child of nspawn in another pid namespace
leader() {
  local nspawn child
  nspawn=$(cat "$folder/$1/nspawn.pid" 2>/dev/null) || return 1
  # shellcheck disable=SC2013 # one line of pids for each thread
  for child in $(cat "/proc/$nspawn"/task/*/children 2>/dev/null); do
    if [ "$(readlink "/proc/$child/ns/pid")" != "$(readlink /proc/self/ns/pid)" ]; then
      echo "$child"
      return
    fi
  done
  return 1
}

run_inside() {
  local pid
  pid=$(leader "$1") || die "$1 does not run"
  shift
  env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 SYSTEMD_PAGER= \
    nsenter -t "$pid" -m -u -i -n -p -C -r -w -- "$@"
}

up() {
  local name=$1 netns=$2
  shift 2
  local dir=$folder/$name
  if leader "$name" >/dev/null; then die "$name runs already"; fi
  build
  mkdir -p "$dir"/{upper,work,root}
  mountpoint -q "$dir/root" ||
    mount -t overlay "$name" -o "lowerdir=$base,upperdir=$dir/upper,workdir=$dir/work" "$dir/root"
  (
    for root in $(cgroup_roots); do
      mkdir -p "$root/node-$name"
      echo "$BASHPID" >"$root/node-$name/cgroup.procs"
    done
    exec </dev/null >>"$dir/console.log" 2>&1
    exec setsid systemd-nspawn --quiet -D "$dir/root" -M "$name" --hostname="$name" --boot --keep-unit --register=no \
      --console=passive --resolv-conf=off --timezone=off --link-journal=no \
      --network-namespace-path="/run/netns/$netns" "$@"
  ) &
  local nspawn=$! end=$((SECONDS + boot_seconds)) condition
  echo $nspawn >"$dir/nspawn.pid"
  disown $nspawn
  while [ $SECONDS -lt $end ]; do
    if [ ! -d /proc/$nspawn ]; then tail -n 20 "$dir/console.log" >&2 && die "$name ended while booting"; fi
    condition=$( (run_inside "$name" timeout 30 systemctl is-system-running --wait) 2>/dev/null) || true
    case $condition in running | degraded) echo "$condition" && return ;; esac
    sleep 0.05
  done
  die "$name has not booted after $boot_seconds s; see $dir/console.log"
}

stop() {
  local dir=$folder/$1 nspawn signal
  nspawn=$(cat "$dir/nspawn.pid" 2>/dev/null || true)
  # nspawn passes the first TERM on as SIGRTMIN+3: an orderly shutdown
  for signal in TERM TERM KILL; do
    if [ -n "$nspawn" ] && [ -d "/proc/$nspawn" ]; then
      kill -$signal "$nspawn" || true
      for _ in $(seq 150); do if [ -d "/proc/$nspawn" ]; then sleep 0.1; fi; done
    fi
  done
  rm -f "$dir/nspawn.pid"
  for root in $(cgroup_roots); do
    if [ -d "$root/node-$1" ]; then find "$root/node-$1" -depth -type d -exec rmdir {} + || true; fi
  done
}

down() {
  stop "$1"
  if mountpoint -q "$folder/$1/root"; then umount "$folder/$1/root"; fi
  rm -rf "${folder:?}/${1:?}"
}

command=${1:-}
shift || true
case $command in
  build) build ;;
  up) up "$@" ;;
  exec) run_inside "$@" ;;
  root) echo "$folder/$1/root" ;;
  stop) stop "$1" ;;
  down) down "$1" ;;
  *) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
