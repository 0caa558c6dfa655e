#!/usr/bin/env bash
# A real Kubernetes control plane on this machine alone: etcd, kube-apiserver and kube-controller-manager, built from their Go
# modules. No kubelet: nothing runs in it, Nodes and Pods are what a test writes and stay so. It is no part of .ci/run, since it is built for
# 10 to 40 minutes; afterwards the cluster suite meets the real thing by one command:
#
#   real-api-server.sh run npm run test:cluster
#
#   real-api-server.sh build             the programs, unless they are there; needs Go and, the first time, its module proxy
#   real-api-server.sh run COMMAND...    COMMAND with KUBECONFIG in a network namespace that holds the cluster alone, and two
#                                        more addresses where Pods can "be"; needs root. Exit status kept, all ended behind it
#   real-api-server.sh start [FOLDER]    the cluster on 127.0.0.1; prints the path of an administrator's kubeconfig
#   real-api-server.sh stop [FOLDER]     ends it and removes what it stored
#   real-api-server.sh restart [FOLDER]  kills the API server alone and starts it again, as an outage does
#
#   KUBERNETES_VERSION  1.32.3
#   KUBERNETES_FOLDER   where the programs are kept
#   APISERVER_PORT      16443; etcd takes the two behind it
#   APISERVER_FLAGS, CONTROLLERS_FLAGS   more flags, separated by blanks
set -euo pipefail

readonly version=${KUBERNETES_VERSION:-1.32.3}
readonly programs=${KUBERNETES_FOLDER:-${XDG_CACHE_HOME:-$HOME/.cache}/mesh-gateway/kubernetes-$version}
readonly port=${APISERVER_PORT:-16443}
readonly etcd=http://127.0.0.1:$((port + 1)) etcd_peers=http://127.0.0.1:$((port + 2))
readonly pods='10.244.0.11/24 10.244.0.12/24'
readonly ready_seconds=120
state=/tmp/mesh-gateway-kubernetes

main() {
  local command=${1:-}
  if [ $# -gt 0 ]; then shift; fi
  case $command in
    build) build ;;
    run) run "$@" ;;
    inside) inside "$@" ;;
    start) state=${1:-$state} && start ;;
    stop) state=${1:-$state} && stop ;;
    restart) state=${1:-$state} && restart ;;
    *) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
  esac
}

die() {
  echo "real-api-server: $*" >&2
  exit 1
}

# Kubernetes names its own parts as v0.0.0, for the sources beside it: each is a module of the same version.
build() (
  if [ -x "$programs/kube-controller-manager" ]; then return; fi
  command -v go >/dev/null || die 'Go is needed to build Kubernetes'
  mkdir -p "$programs/source"
  cd "$programs/source"
  local kubernetes etcd_version
  printf 'module real\n\ngo %s\n' "$(go env GOVERSION | sed 's/^go//')" >go.mod
  kubernetes=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  etcd_version=$(sed -n 's/.*go.etcd.io\/etcd\/client\/v3 //p' "$kubernetes")
  {
    printf 'require k8s.io/kubernetes v%s\n' "$version"
    printf 'require go.etcd.io/etcd/server/v3 %s\n' "$etcd_version"
    sed -n "s/^[[:space:]]*\(k8s.io\/[a-z-]*\) v0.0.0$/replace \1 v0.0.0 => \1 v0.${version#1.}/p" "$kubernetes"
  } >>go.mod
  compile go.etcd.io/etcd/server/v3 etcd
  compile k8s.io/kubernetes/cmd/kube-apiserver kube-apiserver
  compile k8s.io/kubernetes/cmd/kube-controller-manager kube-controller-manager
)

compile() {
  local name=k8s.io/component-base/version minor=${version#1.}
  echo "building $2" >&2
  CGO_ENABLED=0 nice go build -mod=mod -buildvcs=false -p 1 -o "$programs/$2" \
    -ldflags "-s -w -X $name.gitMajor=1 -X $name.gitMinor=${minor%%.*} -X $name.gitVersion=v$version" "$1"
}

run() {
  build
  unshare --net -- "${BASH_SOURCE[0]}" inside "$@"
}

inside() {
  local address result=0
  state=$(mktemp -d /tmp/mesh-gateway-kubernetes-XXXXXX)
  trap stop EXIT
  ip link set lo up
  ip link add pods0 type veth peer name pods1
  for address in $pods; do ip address add "$address" dev pods0; done
  ip link set pods0 up
  ip link set pods1 up
  start >/dev/null
  KUBECONFIG=$state/admin.kubeconfig KUBERNETES_AUDIT_LOG=$state/audit.log "$@" || result=$?
  exit "$result"
}

start() {
  build
  if [ -e "$state/etcd.pid" ]; then die "a cluster runs in $state: stop it first"; fi
  mkdir -p "$state"
  chmod 700 "$state"
  make_certificates
  write_audit_policy
  write_kubeconfig admin
  write_kubeconfig controllers
  start_etcd
  start_apiserver
  # a word of its own for each flag
  # shellcheck disable=SC2086
  launch controllers "$programs/kube-controller-manager" --kubeconfig="$state/controllers.kubeconfig" \
    --service-account-private-key-file="$state/accounts.key" --root-ca-file="$state/ca.crt" --leader-elect=false \
    --bind-address=127.0.0.1 --secure-port=0 --controllers='*,-nodelifecycle' --use-service-account-credentials ${CONTROLLERS_FLAGS:-}
  echo "$state/admin.kubeconfig"
}

start_etcd() {
  launch etcd "$programs/etcd" --data-dir="$state/etcd" --unsafe-no-fsync --log-level=error \
    --listen-client-urls="$etcd" --advertise-client-urls="$etcd" --listen-peer-urls="$etcd_peers" \
    --initial-advertise-peer-urls="$etcd_peers" --initial-cluster="default=$etcd_peers"
}

start_apiserver() {
  # a word of its own for each flag
  # shellcheck disable=SC2086
  launch apiserver "$programs/kube-apiserver" --etcd-servers="$etcd" --bind-address=127.0.0.1 --secure-port="$port" \
    --advertise-address=127.0.0.1 --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/16 \
    --tls-cert-file="$state/apiserver.crt" --tls-private-key-file="$state/apiserver.key" --client-ca-file="$state/ca.crt" \
    --authorization-mode=Node,RBAC --service-account-issuer=https://kubernetes.default.svc \
    --service-account-key-file="$state/accounts.key" --service-account-signing-key-file="$state/accounts.key" \
    --audit-policy-file="$state/audit-policy.yaml" --audit-log-path="$state/audit.log" ${APISERVER_FLAGS:-}
  local end=$((SECONDS + ready_seconds))
  until is_ready; do
    if [ $SECONDS -ge $end ] || ! kill -0 "$(cat "$state/apiserver.pid")"; then
      tail -n 20 "$state/apiserver.log" >&2
      die 'the API server does not become ready'
    fi
    sleep 0.3
  done
}

is_ready() {
  curl --silent --fail --cacert "$state/ca.crt" --cert "$state/admin.crt" --key "$state/admin.key" \
    "https://127.0.0.1:$port/readyz" >/dev/null
}

launch() {
  local name=$1
  shift
  setsid "$@" >>"$state/$name.log" 2>&1 </dev/null &
  echo $! >"$state/$name.pid"
}

stop() {
  local name
  for name in controllers apiserver etcd; do end "$name" TERM; done
  rm -rf "$state"
}

restart() {
  end apiserver KILL
  start_apiserver
}

# Whatever has died by itself is no failure, and nobody else's process gets a signal.
end() {
  local pid
  pid=$(cat "$state/$1.pid" 2>/dev/null) || return 0
  if grep -qsF "$programs" "/proc/$pid/cmdline"; then
    kill "-$2" "$pid"
    until has_ended "$pid"; do sleep 0.1; done
  fi
  rm -f "$state/$1.pid"
}

# A process whose first thread is a zombie goes on to hold its sockets until the last has ended.
has_ended() {
  local threads
  threads=$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
  [ "$threads" -eq 0 ] || { [ "$threads" -eq 1 ] && grep -qs '^State:.*Z' "/proc/$1/status"; }
}

# in a shell of its own, as `build`: the caller's folder stays
make_certificates() (
  cd "$state"
  openssl genrsa -out accounts.key 2048 2>/dev/null
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=real-cluster-ca -keyout ca.key -out ca.crt 2>/dev/null
  certificate apiserver /CN=apiserver 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc'
  certificate admin /O=system:masters/CN=admin extendedKeyUsage=clientAuth
  certificate controllers /CN=system:kube-controller-manager extendedKeyUsage=clientAuth
  chmod 600 ./*.key
)

certificate() {
  openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out "$1.crt" \
    -extfile <(echo "$3") 2>/dev/null
}

write_kubeconfig() {
  cat >"$state/$1.kubeconfig" <<KUBECONFIG
apiVersion: v1
kind: Config
current-context: real
contexts: [{ name: real, context: { cluster: real, user: $1 } }]
clusters:
  - name: real
    cluster: { server: 'https://127.0.0.1:$port', certificate-authority-data: $(base64 -w0 "$state/ca.crt") }
users:
  - name: $1
    user:
      client-certificate-data: $(base64 -w0 "$state/$1.crt")
      client-key-data: $(base64 -w0 "$state/$1.key")
KUBECONFIG
  chmod 600 "$state/$1.kubeconfig"
}

# what accounts ask for, in one line each: the test of the rights reads it
write_audit_policy() {
  cat >"$state/audit-policy.yaml" <<'POLICY'
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Metadata
    userGroups: ['system:serviceaccounts']
  - level: None
POLICY
}

main "$@"
