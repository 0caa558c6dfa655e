#!/usr/bin/env bash
# Prints a kubeconfig for the nodes of the gateway, from a cluster in which config/cluster was applied.
#
#   config/cluster/kubeconfig.sh >mesh-gateway.kubeconfig
#   sudo ./install.sh --kubeconfig mesh-gateway.kubeconfig      on each node
#
#   --server URL       where a node finds the API server, if not where kubectl finds it
#   --namespace NAME   the gateway's own namespace (istio-system)
#   --context NAME     kubectl's context, if not its current one
#   --days NUMBER      how long the token is good for (30): a node must have started once by then
#
# It needs kubectl (1.20 or later) with the right to create tokens of the account; KUBECONFIG is kubectl's own.
# The token is good for --days, and the gateway gets itself a new one each day, as long as the account exists. A node
# that was off for longer needs a new kubeconfig. An API server without the TokenRequest API (Kubernetes 1.12, unless
# it was set up) gives a token that never ends: this is said, and how to take it back.
# The file is a secret: whoever has it can do in the cluster what permissions.yaml says.
set -euo pipefail
umask 077

readonly account=mesh-gateway
readonly lasting=mesh-gateway-token # the Secret of a token that never ends
readonly token_of_secret='{{if .data}}{{if .data.token}}{{.data.token | base64decode}}{{end}}{{end}}'
readonly wait_seconds=30
readonly server_form='^https://[][A-Za-z0-9.:/_%~-]+$'

namespace=istio-system context='' days=30 server=''

main() {
  parse_arguments "$@"
  protect_output
  local ca server_name token
  server=${server:-$(of_cluster server)}
  check_server
  ca=$(of_cluster certificate-authority-data)
  server_name=$(of_cluster tls-server-name)
  check_cluster "$ca"
  # bash goes on after a failure inside of $(...): what runs there ends by `die`
  token=$(token_of_account)
  print_kubeconfig "$ca" "$server_name" "$token"
}

parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage 0 ;;
      --server | --namespace | --context | --days)
        if [ $# -lt 2 ] || [ -z "$2" ]; then die "$1 needs a value"; fi
        take_option "$1" "$2"
        shift 2
        ;;
      *) echo "kubeconfig.sh: unknown argument: $1" >&2; usage 2 >&2 ;;
    esac
  done
}

take_option() {
  case $1 in
    --server) server=${2%/} ;;
    --namespace) namespace=$2 ;;
    --context) context=$2 ;;
    --days)
      case $2 in *[!0-9]* | 0*) die "--days wants a whole number of days, not $2" ;; esac
      days=$2
      ;;
  esac
}

usage() {
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit "$1"
}

die() {
  echo "kubeconfig.sh: $*" >&2
  exit 1
}

note() {
  echo "note: $*" >&2
}

# A redirection made its file before this script could say for whom.
protect_output() {
  if [ -t 1 ]; then die "this would show a token on the terminal: redirect it into a file, '>mesh-gateway.kubeconfig'"; fi
  if [ -f /dev/stdout ]; then chmod 600 /dev/stdout; fi
}

in_cluster() {
  kubectl ${context:+--context "$context"} "$@"
}

# a field of the cluster that kubectl uses, and of nothing else in its configuration
of_cluster() {
  in_cluster config view --raw --minify --flatten -o "jsonpath={.clusters[0].cluster.$1}"
}

check_server() {
  if [ -z "$server" ]; then die 'kubectl has no cluster: set KUBECONFIG, or choose a context with --context'; fi
  if ! [[ $server =~ $server_form ]]; then die "an API server is named as https://HOST:PORT, unlike $server"; fi
  case $server in
    https://localhost* | https://127.* | https://\[::1\]*)
      note "$server is this machine itself: from a node it must be another address (--server)"
      ;;
  esac
}

# Whatever kubectl makes do with, the gateway always verifies whom it talks to.
check_cluster() {
  if [ "$(of_cluster insecure-skip-tls-verify)" = true ]; then
    die "kubectl does not verify this cluster's certificate (insecure-skip-tls-verify), and the gateway always does: put the certificate authority into kubectl's configuration first"
  fi
  if [ -z "$1" ]; then note 'kubectl names no certificate authority: the node will trust those of its Node.js'; fi
  if [ -n "$(of_cluster proxy-url)" ]; then note 'kubectl uses a proxy (proxy-url), and the node will not'; fi
}

token_of_account() {
  local answer
  if ! answer=$(in_cluster -n "$namespace" get serviceaccount "$account" -o name 2>&1); then
    die "there is no account $account in $namespace (kubectl apply -f config/cluster): $answer"
  fi
  if answer=$(request_token 2>&1); then
    say_expiry "$answer"
    token_in "$answer"
    return
  fi
  case $answer in
    *'could not find the requested resource'* | *NotFound* | *MethodNotAllowed*) token_that_lasts ;;
    *) die "no token for $account: $answer" ;;
  esac
}

request_token() {
  printf '{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":%d}}' $((days * 86400)) |
    in_cluster create --raw "/api/v1/namespaces/$namespace/serviceaccounts/$account/token" -f -
}

# printf is part of the shell: a token is never an argument of a program
token_in() {
  local token
  token=$(printf '%s\n' "$1" | sed -n 's/.*"token" *: *"\([A-Za-z0-9._-]*\)".*/\1/p' | head -n 1)
  if [ -z "$token" ]; then die 'the API server answered without a token'; fi
  printf '%s' "$token"
}

say_expiry() {
  local until
  until=$(printf '%s\n' "$1" | sed -n 's/.*"expirationTimestamp" *: *"\([^"]*\)".*/\1/p' | head -n 1)
  note "the token is good until ${until:-an unknown time}; install it before, and the gateway renews it from then on"
}

token_that_lasts() {
  note "this API server has no TokenRequest API. The token in this kubeconfig NEVER ENDS and is not renewed; to take it back: kubectl -n $namespace delete secret $lasting"
  in_cluster -n "$namespace" apply --validate=false -f - >&2 <<MANIFEST || die "the Secret $lasting could not be made"
apiVersion: v1
kind: Secret
type: kubernetes.io/service-account-token
metadata:
  name: $lasting
  annotations:
    kubernetes.io/service-account.name: $account
MANIFEST
  local token='' end=$((SECONDS + wait_seconds))
  while [ -z "$token" ]; do
    if [ $SECONDS -ge $end ]; then die "the cluster put no token into the Secret $lasting within $wait_seconds s"; fi
    token=$(in_cluster -n "$namespace" get secret "$lasting" -o "go-template=$token_of_secret") || die "the Secret $lasting could not be read"
    if [ -z "$token" ]; then sleep 1; fi
  done
  printf '%s' "$token"
}

print_kubeconfig() {
  local ca=$1 server_name=$2 token=$3
  cat <<KUBECONFIG
# A node of mesh-gateway: made by config/cluster/kubeconfig.sh. A secret: keep it 0600.
apiVersion: v1
kind: Config
current-context: mesh-gateway
contexts:
  - name: mesh-gateway
    context: { cluster: mesh-gateway, user: mesh-gateway, namespace: $namespace }
users:
  - name: mesh-gateway
    user:
      token: $token
clusters:
  - name: mesh-gateway
    cluster:
      server: '$server'
KUBECONFIG
  if [ -n "$server_name" ]; then echo "      tls-server-name: '$server_name'"; fi
  if [ -n "$ca" ]; then echo "      certificate-authority-data: $ca"; fi
}

main "$@"
