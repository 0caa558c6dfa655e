#!/usr/bin/env bash
# Installs mesh-gateway as a systemd service, from a checkout in which `npm ci` has run. Debian 12.
#
#   sudo ./install.sh               install, or bring an installation to this checkout's state
#   sudo ./install.sh --example     also: the example objects and the two small backends they split between
#   sudo ./install.sh --kubeconfig FILE      the objects come from a cluster (config/cluster/README.md); - is stdin
#   sudo ./install.sh --dry-run     say every step, change nothing
#   sudo ./install.sh --uninstall   remove the service and the program; configuration and state stay
#   sudo ./install.sh --uninstall --purge    remove these as well, and the user
#
# A kubeconfig stays over later installations. To go back to a folder: remove /etc/mesh-gateway/kubeconfig, install again.
# Running it again changes nothing where nothing changed. The service is restarted only if it was running and its
# program or units changed; a restart refuses no connection. It is never started: `systemctl start mesh-gateway`.
set -euo pipefail
umask 022

readonly user=mesh-gateway
readonly prefix=/opt/mesh-gateway
readonly command=/usr/local/bin/mesh-gateway
readonly config=/etc/mesh-gateway
readonly state=/var/lib/mesh-gateway
readonly units=/etc/systemd/system
readonly gateway_units=(mesh-gateway.service mesh-gateway-sockets.target mesh-gateway-http.socket mesh-gateway-https.socket)
readonly example_unit=mesh-gateway-example.service
readonly access=$config/kubeconfig
readonly drop_ins=$units/mesh-gateway.service.d

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
readonly here
readonly node=$here/node_modules/.bin/node

example=no dry_run=no uninstall=no purge=no kubeconfig=
changes=0          # steps taken
program_changed=no # a running service must be restarted
units_changed=no   # systemd must read its units again
placed=no          # the answer of `place`
staging=           # a release that is being put together
private=           # the kubeconfig as it was read

main() {
  parse_arguments "$@"
  check_machine
  if [ $uninstall = yes ]; then
    uninstall_all
    return
  fi
  check_checkout
  check_libraries
  if [ -n "$kubeconfig" ]; then check_kubeconfig; fi
  take_lock
  create_user
  place_settings
  place_release
  place_command
  place_units
  place_access_unit
  if [ $example = yes ]; then place_example; fi
  bring_into_force
  remove_old_releases
  say_summary
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --kubeconfig)
        if [ $# -lt 2 ] || [ -z "$2" ]; then die '--kubeconfig needs a file, or - for stdin'; fi
        kubeconfig=$2
        shift
        ;;
      --kubeconfig=?*) kubeconfig=${1#*=} ;;
      --example) example=yes ;;
      --dry-run) dry_run=yes ;;
      --uninstall) uninstall=yes ;;
      --purge) purge=yes ;;
      -h | --help) usage 0 ;;
      *) echo "install.sh: unknown argument: $1" >&2; usage 2 >&2 ;;
    esac
    shift
  done
  if [ $purge = yes ] && [ $uninstall = no ]; then die '--purge goes with --uninstall only'; fi
  if [ -z "$kubeconfig" ]; then return 0; fi
  if [ $uninstall = yes ]; then die '--kubeconfig does not go with --uninstall'; fi
  if [ $example = yes ]; then die '--example is for a node without a cluster: its objects lie in a folder'; fi
}

usage() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit "$1"
}

# --- how steps are taken ---------------------------------------------------------------------------------------------

die() {
  echo "install.sh: $*" >&2
  exit 1
}

# step "what it does" COMMAND...: takes one step that is known to be needed, or only says it
step() {
  local what=$1
  shift
  changes=$((changes + 1))
  if [ $dry_run = yes ]; then
    printf 'would  %s\n' "$what"
  else
    printf '  ...  %s\n' "$what"
    "$@"
  fi
}

# place SOURCE TARGET MODE OWNER: a file with this content, mode and owner. `placed` says whether the content is new;
# a result would have to be tested, and within a test bash goes on after a failed command.
place() {
  local source=$1 target=$2 mode=$3 owner=$4
  placed=yes
  if [ ! -e "$target" ]; then
    step "create $target" install_file "$@"
  elif ! cmp -s "$source" "$target"; then
    step "update $target" install_file "$@"
  else
    keep_access "$target" "$mode" "$owner"
    placed=no
  fi
}

# the new content appears at once or not at all
install_file() {
  local source=$1 target=$2 mode=$3 owner=$4
  install -m "$mode" -o "${owner%:*}" -g "${owner#*:}" -- "$source" "$target.new"
  mv -fT -- "$target.new" "$target"
}

place_folder() {
  local target=$1 mode=$2 owner=$3
  if [ -d "$target" ]; then
    keep_access "$target" "$mode" "$owner"
  else
    step "create $target" install -d -m "$mode" -o "${owner%:*}" -g "${owner#*:}" -- "$target"
  fi
}

keep_access() {
  local target=$1 mode=$2 owner=$3
  if [ "$(stat -c '%a %U:%G' -- "$target")" != "${mode#0} $owner" ]; then
    step "set $target to $owner, mode $mode" set_access "$@"
  fi
}

set_access() {
  chown -h -- "$3" "$1"
  chmod -- "$2" "$1"
}

# --- what must be there ----------------------------------------------------------------------------------------------

check_machine() {
  if [ "$(id -u)" != 0 ]; then die "must run as root: sudo ./install.sh"; fi
  if [ ! -d /run/systemd/system ]; then die 'systemd does not run this machine'; fi
  local id='' version=''
  # shellcheck source=/dev/null
  id=$(. /etc/os-release && echo "${ID:-}")
  # shellcheck source=/dev/null
  version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  if [ "$id $version" != 'debian 12' ]; then
    echo "note: made for Debian 12, and this is ${id:-unknown} ${version:-}" >&2
  fi
}

check_checkout() {
  [ -x "$node" ] || die "$node is not there: run \`npm ci\` in $here first"
}

# Node needs libatomic, which a minimal Debian does not have
check_libraries() {
  if "$node" --version >/dev/null 2>&1; then return 0; fi
  local missing
  missing=$(ldd "$node" 2>&1 | grep 'not found' | sed 's/^[[:space:]]*//' || true)
  case $missing in
    *libatomic* | *libstdc++* | *libgcc*)
      step "install libatomic1 and libstdc++6 with apt-get (the Node binary needs them)" install_libraries
      ;;
    *) die "the Node binary does not run on this machine (glibc 2.28 or later is needed): ${missing:-no reason given}" ;;
  esac
  if [ $dry_run = yes ]; then
    die 'the rest cannot be said before these libraries are there'
  fi
  "$node" --version >/dev/null || die 'the Node binary still does not run'
}

install_libraries() {
  local log
  if ! log=$(DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends libatomic1 libstdc++6 2>&1); then
    printf '%s\n' "$log" | tail -n 3 >&2
    die 'libatomic1 and libstdc++6 are missing and apt-get could not install them. Without a network: bring the two packages, install them with dpkg -i, and run this script again.'
  fi
}

# Read once: it may come through a pipe. The program's own parser judges it, before anything is changed.
check_kubeconfig() {
  local fault
  private=$(mktemp)
  trap clean_up EXIT
  if ! fault=$(read_kubeconfig 2>&1 >"$private"); then die "the kubeconfig cannot be read: ${fault#cat: }"; fi
  if ! fault=$("$node" --disable-warning=ExperimentalWarning "$here/gateway/control/kubernetes/check-kubeconfig.ts" "$kubeconfig" <"$private" 2>&1); then
    die "$fault"
  fi
}

# by its number: what sshd gives as stdin cannot be opened by name
read_kubeconfig() {
  case $kubeconfig in
    - | /dev/stdin) cat ;;
    *) cat -- "$kubeconfig" ;;
  esac
}

clean_up() {
  if [ -n "$private" ]; then rm -f -- "$private"; fi
  if [ -n "$staging" ]; then rm -rf -- "$staging"; fi
}

take_lock() {
  if [ $dry_run = yes ]; then return 0; fi
  exec 9>/run/mesh-gateway-install.lock
  flock -n 9 || die 'another installation is running'
}

# --- the parts of an installation ------------------------------------------------------------------------------------

create_user() {
  if getent passwd "$user" >/dev/null; then return 0; fi
  step "create the system user $user" \
    useradd --system --user-group --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$user"
}

# Before the release: the default of the release that still stands tells whether people changed gateway.yaml.
place_settings() {
  place_folder "$config" 0750 "root:$user"
  place_folder "$config/routes.d" 0750 "$user:$user"
  if [ -n "$kubeconfig" ]; then place_kubeconfig; fi
  local target=$config/gateway.yaml wanted
  wanted=$(mktemp)
  settings_of_node <"$here/config/gateway.yaml" >"$wanted"
  if [ ! -e "$target" ] || is_default "$target"; then
    place "$wanted" "$target" 0640 "root:$user"
    if [ $placed = yes ]; then program_changed=yes; fi
  else
    keep_access "$target" 0640 "root:$user"
    if ! cmp -s "$wanted" "$target"; then
      echo "  kept $target, which was changed here (the default: $prefix/current/config/gateway.yaml)"
      say_source "$target"
    fi
  fi
  rm -f -- "$wanted"
}

# root's alone: systemd reads it for the service, which gets a copy at each start
place_kubeconfig() {
  place "$private" "$access" 0600 root:root
  if [ $placed = yes ]; then program_changed=yes; fi
}

has_access() {
  [ -n "$kubeconfig" ] || [ -e "$access" ]
}

say_source() {
  if has_access && ! grep -Eq '^[^#]*credential:kubeconfig' "$1"; then
    echo "  note: for the cluster's objects $1 needs \`source: { kubernetes: { kubeconfig: credential:kubeconfig } }\`" >&2
  fi
}

# gateway.yaml for this node, of the default on stdin
settings_of_node() {
  local with_example=no with_cluster=no
  if [ $example = yes ] || [ -e "$units/$example_unit" ]; then with_example=yes; fi
  if has_access; then with_cluster=yes; fi
  settings_with $with_example $with_cluster
}

# settings_with EXAMPLE CLUSTER: the default on stdin, with what these two need. The example's backends listen on
# loopback, which routes may not name without leave.
settings_with() {
  local edits=()
  if [ "$1" = yes ]; then edits+=(-e 's/^#destinations:/destinations:/' -e 's/^#  allowLoopback: false/  allowLoopback: true/'); fi
  if [ "$2" = yes ]; then edits+=(-e 's/^#source:/source:/' -e 's|^#  folder: .*|  kubernetes:\n    kubeconfig: credential:kubeconfig|'); fi
  sed "${edits[@]}" -e ''
}

# whether these are the settings of this checkout or of the installed release, for any kind of node
is_default() {
  local default with_example with_cluster
  for default in "$here/config/gateway.yaml" "$prefix/current/config/gateway.yaml"; do
    [ -e "$default" ] || continue
    for with_example in no yes; do
      for with_cluster in no yes; do
        if settings_with $with_example $with_cluster <"$default" | cmp -s - "$1"; then return 0; fi
      done
    done
  done
  return 1
}

# Each release has a folder of its own and `current` names one of them: a running service never sees half of two.
place_release() {
  local id
  id=$("$node" "$here/test/kit/build.ts" --id)
  if [ ! -d "$prefix/releases/$id" ]; then
    step "put the program into $prefix/releases/$id" build_release "$id"
  fi
  if [ "$(readlink "$prefix/current" 2>/dev/null || true)" != "releases/$id" ]; then
    step "let $prefix/current name it" switch_link "releases/$id" "$prefix/current"
    program_changed=yes
  fi
}

build_release() {
  install -d -m 0755 -- "$prefix" "$prefix/releases"
  staging=$prefix/releases/.new-$1
  trap clean_up EXIT
  "$node" "$here/test/kit/build.ts" --to "$staging" >/dev/null
  chown -R root:root -- "$staging"
  mv -T -- "$staging" "$prefix/releases/$1"
}

switch_link() {
  ln -sfn -- "$1" "$2.new"
  mv -fT -- "$2.new" "$2"
}

place_command() {
  local wrapper
  wrapper=$(mktemp)
  cat >"$wrapper" <<'WRAPPER'
#!/bin/sh
# The installed mesh-gateway, run by its own Node.
release=/opt/mesh-gateway/current
exec "$release/bin/node" --disable-sigusr1 --disable-warning=ExperimentalWarning "$release/admin/cli/bin.js" "$@"
WRAPPER
  place "$wrapper" "$command" 0755 root:root
  rm -f -- "$wrapper"
}

place_units() {
  local unit
  for unit in "${gateway_units[@]}"; do place_unit "$unit"; done
  if [ "$(systemctl is-enabled mesh-gateway.service 2>/dev/null || true)" != enabled ]; then
    step 'enable mesh-gateway at boot' systemctl --quiet enable mesh-gateway.service
  fi
}

place_unit() {
  place "$here/systemd/$1" "$units/$1" 0644 root:root
  if [ $placed = yes ]; then units_changed=yes; fi
}

# With the file and never without it: the service does not start when systemd misses it.
place_access_unit() {
  if has_access; then
    place_folder "$drop_ins" 0755 root:root
    place "$here/systemd/mesh-gateway.service.d/kubeconfig.conf" "$drop_ins/kubeconfig.conf" 0644 root:root
    if [ $placed = yes ]; then units_changed=yes; fi
  else
    remove_access_unit
  fi
}

remove_access_unit() {
  if [ ! -e "$drop_ins/kubeconfig.conf" ]; then return 0; fi
  step "remove $drop_ins/kubeconfig.conf" rm -f -- "$drop_ins/kubeconfig.conf"
  units_changed=yes
  if [ $dry_run = no ]; then rmdir --ignore-fail-on-non-empty -- "$drop_ins"; fi
}

place_example() {
  place_unit "$example_unit"
  local source target
  for source in "$here"/config/examples/myapp/*.yaml; do
    target=$config/routes.d/$(basename "$source")
    # never again once it is there: a traffic shift has edited it
    if [ ! -e "$target" ]; then step "create $target" install_file "$source" "$target" 0640 "$user:$user"; fi
  done
  if [ $dry_run = no ] && ! grep -Eq '^ +allowLoopback: true' "$config/gateway.yaml"; then
    echo "  note: the example needs \`destinations: { allowLoopback: true }\` in $config/gateway.yaml" >&2
  fi
}

bring_into_force() {
  if [ $units_changed = yes ]; then step 'let systemd read the units again' systemctl daemon-reload; fi
  if systemctl --quiet is-active mesh-gateway.service && [ $program_changed$units_changed != nono ]; then
    step 'restart mesh-gateway (its ports stay open)' systemctl restart mesh-gateway.service
  fi
  if [ $example = yes ] && ! systemctl --quiet is-active "$example_unit"; then
    step 'start the two backends of the example, now and at boot' systemctl --quiet enable --now "$example_unit"
  fi
}

remove_old_releases() {
  local current release
  current=$(readlink "$prefix/current" 2>/dev/null || true)
  for release in "$prefix"/releases/* "$prefix"/releases/.new-*; do
    if [ ! -d "$release" ] || [ "releases/${release##*/}" = "$current" ] || [ $dry_run = yes ]; then continue; fi
    step "remove the replaced $release" rm -rf -- "$release"
  done
}

say_summary() {
  local address
  address=$(hostname -I 2>/dev/null | cut -d' ' -f1)
  echo
  if [ $dry_run = yes ]; then
    echo "dry run: $changes steps, none taken"
    return
  fi
  if [ $changes = 0 ]; then echo 'nothing to do: all of it is in place'; fi
  if ! systemctl --quiet is-active mesh-gateway.service; then echo 'start it:      systemctl start mesh-gateway'; fi
  if has_access; then
    echo "objects:       the cluster's; access is in $access"
  else
    echo "objects:       $config/routes.d (owner $user, so that a shift may edit them)"
  fi
  echo "settings:      $config/gateway.yaml"
  echo "HTTP:          http://${address:-localhost}:31380/"
  echo "HTTPS:         https://${address:-localhost}:31390/ (once a Gateway has an HTTPS server)"
  echo "admin API:     http://127.0.0.1:15000/ with the bearer token in $state/admin-token"
}

# --- the way back ----------------------------------------------------------------------------------------------------

uninstall_all() {
  local unit
  for unit in mesh-gateway.service "$example_unit"; do
    if [ ! -e "$units/$unit" ]; then continue; fi
    step "stop and disable $unit" systemctl --quiet disable --now "$unit"
  done
  for unit in "${gateway_units[@]}" "$example_unit"; do
    if [ -e "$units/$unit" ]; then
      step "remove $units/$unit" rm -f -- "$units/$unit"
      units_changed=yes
    fi
  done
  remove_access_unit
  if [ $units_changed = yes ]; then step 'let systemd forget the units' forget_units; fi
  remove "$command" "$prefix" /run/mesh-gateway-install.lock
  if [ $purge = yes ]; then
    remove "$config" "$state" "$units/mesh-gateway.service.d"
    if getent passwd "$user" >/dev/null; then step "remove the user $user" userdel "$user"; fi
  elif [ -e "$config" ] || [ -e "$state" ]; then
    echo "  kept $config and $state (remove them with --uninstall --purge)"
  fi
  if [ $dry_run = yes ]; then echo "dry run: $changes steps, none taken"; fi
}

forget_units() {
  systemctl daemon-reload
  systemctl reset-failed 'mesh-gateway*' 2>/dev/null || true
}

remove() {
  local target
  for target in "$@"; do
    if [ -e "$target" ] || [ -L "$target" ]; then step "remove $target" rm -rf -- "$target"; fi
  done
}

main "$@"
