#!/usr/bin/env bash
# `svgx staging` against a real API server: every manifest is admitted (Pod Security `restricted`
# enforced), a rollout is waited for, a failed validation goes back to the previous ReplicaSet, and
# volumes and secrets are what they were. Nodes and their pods are pretended; the rest is Kubernetes.
# Building it takes a quarter of an hour, so that is asked for:
# SVGX_TEST_CLUSTER=1 ./test cluster. Once built, it is part of every ./test here.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${SVGX_TEST_TOOLS:-$PWD/target/tools}
svgx=${CARGO_TARGET_DIR:-target}/debug/svgx
export PATH="$tools/bin:$PATH"
programs=(
    k8s.io/kubernetes/cmd/kube-apiserver k8s.io/kubernetes/cmd/kube-controller-manager
    k8s.io/kubernetes/cmd/kube-scheduler
)
version=$(awk '$1 == "k8s.io/kubernetes" && $2 ~ /^v/ { print $2; exit }' tests/cluster/go.mod)

missing=()
for program in "${programs[@]}"; do [ -x "$tools/bin/${program##*/}" ] || missing+=("$program"); done
if [ ${#missing[@]} -gt 0 ]; then
    if [ "${SVGX_TEST_CLUSTER:-}" != 1 ]; then
        echo "no API server is built here: SVGX_TEST_CLUSTER=1 ./test cluster builds one"
        exit 77
    fi
    command -v go >/dev/null || { echo "no Go to build the API server with"; exit 77; }
    for program in "${missing[@]}"; do
        # go.sum pins every module by hash, so the checksum service need not be asked.
        (cd tests/cluster && GOSUMDB=off GOFLAGS=-mod=readonly go build -trimpath \
            -ldflags="-s -w -X k8s.io/component-base/version.gitVersion=$version" \
            -o "$tools/bin/${program##*/}" "$program") || { echo "$program cannot be had here"; exit 77; }
    done
fi
command -v kubectl >/dev/null || { echo "no kubectl here"; exit 77; }
if ! command -v etcd >/dev/null; then
    [ "$(id -u)" = 0 ] && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq etcd-server >/dev/null 2>&1 ||
        { echo "no etcd here, and it cannot be installed"; exit 77; }
fi
[ -x "$svgx" ] || cargo build --quiet

# Everything in one folder, and ended with the script.
work=$(mktemp -d)
started=()
finish() {
    local status=$? process
    for process in ${started[@]+"${started[@]}"}; do kill "$process" 2>/dev/null || true; done
    wait
    if [ $status != 0 ]; then tail -n 5 "$work"/*.log; fi
    rm -rf "$work"
}
trap finish EXIT
start() { "$@" >"$work/${1##*/}.log" 2>&1 & started+=($!); }
# Ports that nobody has now. They could be taken before they are used; then the start fails.
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# until COMMAND...: tries for two minutes.
until_true() {
    local n
    for n in $(seq 240); do "$@" >/dev/null 2>&1 && return 0; sleep 0.5; done
    echo "not within two minutes: $*"
    return 1
}

client=http://127.0.0.1:$(port) api=$(port)
token=$(openssl rand -hex 16)
openssl genrsa -out "$work/accounts.key" 2048 2>/dev/null
openssl rsa -in "$work/accounts.key" -pubout -out "$work/accounts.pub" 2>/dev/null
echo "$token,rehearsal,rehearsal,system:masters" >"$work/tokens.csv"
export KUBECONFIG=$work/kubeconfig
cat >"$KUBECONFIG" <<EOF
apiVersion: v1
kind: Config
clusters: [{ name: here, cluster: { server: "https://127.0.0.1:$api", insecure-skip-tls-verify: true } }]
users: [{ name: rehearsal, user: { token: $token } }]
contexts: [{ name: here, context: { cluster: here, user: rehearsal } }]
current-context: here
EOF
start etcd --data-dir "$work/etcd" --listen-client-urls "$client" --advertise-client-urls "$client" \
    --listen-peer-urls "http://127.0.0.1:$(port)"
start kube-apiserver --etcd-servers="$client" --bind-address=127.0.0.1 --secure-port="$api" \
    --cert-dir="$work/certificates" --token-auth-file="$work/tokens.csv" --authorization-mode=RBAC \
    --service-account-issuer=https://svgx.test --service-account-key-file="$work/accounts.pub" \
    --service-account-signing-key-file="$work/accounts.key" --service-cluster-ip-range=10.0.0.0/16 \
    --endpoint-reconciler-type=none
until_true kubectl get --raw /readyz
start kube-controller-manager --kubeconfig="$KUBECONFIG" --leader-elect=false --secure-port=0 \
    --controllers='*,-node-lifecycle-controller' \
    --service-account-private-key-file="$work/accounts.key"
start kube-scheduler --kubeconfig="$KUBECONFIG" --leader-elect=false --secure-port=0

# Three nodes of pretence, and disks for whoever claims one.
{
    for n in 1 2 3; do
        cat <<EOF
---
{ apiVersion: v1, kind: Node, metadata: { name: node-$n, labels: { kubernetes.io/hostname: node-$n } },
  status: { allocatable: { cpu: "32", memory: 64Gi, pods: "110" }, capacity: { cpu: "32", memory: 64Gi, pods: "110" } } }
EOF
    done
    cat <<EOF
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: disks, annotations: { storageclass.kubernetes.io/is-default-class: "true" } }
provisioner: kubernetes.io/no-provisioner
EOF
    for n in $(seq 20); do
        cat <<EOF
---
apiVersion: v1
kind: PersistentVolume
metadata: { name: disk-$n }
spec: { storageClassName: disks, capacity: { storage: 100Gi }, accessModes: [ReadWriteOnce],
  persistentVolumeReclaimPolicy: Retain, hostPath: { path: /disk-$n } }
EOF
    done
} | kubectl apply --filename=- >/dev/null
for n in 1 2 3; do kubectl taint node "node-$n" node.kubernetes.io/not-ready- >/dev/null 2>&1 || true; done
start tests/cluster/pretend
echo "Kubernetes $version is up"

namespace=svgx-engine-staging
kube() { kubectl --namespace "$namespace" "$@"; }
image() { printf 'registry.test/svgx-engine@sha256:%064d' "$1"; }
deploy() { "$svgx" staging deploy --monitoring --journal "$work/journal" --timeout 240 "$@"; }
ready() { [ "$(kube get deployment svgx-engine-staging --output=jsonpath='{.status.readyReplicas}/{.status.updatedReplicas}')" = 2/2 ]; }
bound() { [ "$(kube get pvc --output=jsonpath='{.items[?(@.status.phase=="Bound")].metadata.name}' | wc -w)" -ge 3 ]; }
# What a deployment, failed or not, must leave alone.
kept() {
    kube get secrets --output=jsonpath='{range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.resourceVersion}{"\n"}{end}'
    kube get pvc data-redis-0 data-prometheus-0 data-alertmanager-0 --output=jsonpath='{range .items[*]}{.metadata.name} {.metadata.uid} {.spec.volumeName}{"\n"}{end}'
}

deploy --image "$(image 1)" --no-validate
# The autoscaler brings the second replica.
until_true ready
until_true bound
kept >"$work/before"
old=$(kube get replicasets --selector=app.kubernetes.io/component=engine --output=jsonpath='{.items[0].metadata.name}')
echo "rolled out: every object admitted, two replicas of $old ready, volumes bound"

# The new revision rolls out, and then nobody answers its validation.
if deploy --image "$(image 2)" --url http://127.0.0.1:9 >"$work/second" 2>&1; then
    echo "a deployment without an engine was called good"
    exit 1
fi
grep -q 'rolled back to revision 1' "$work/second" || { cat "$work/second"; exit 1; }
# Of what is there already, the image of engine and workers alone differs.
grep -qx 'diff: 2 objects change' "$work/second" || { cat "$work/second"; exit 1; }
until_true ready
[ "$(kube get deployment svgx-engine-staging --output=jsonpath='{.spec.template.spec.containers[0].image}')" = "$(image 1)" ]
[ "$(kube get deployment svgx-worker --output=jsonpath='{.spec.template.spec.containers[0].image}')" = "$(image 1)" ]
[ "$(kube get replicaset "$old" --output=jsonpath='{.status.readyReplicas}')" = 2 ]
kept | diff "$work/before" -
echo "failed validation: $old is back by itself; secrets and volumes are what they were"

# The same again changes nothing but what it has to; and by hand to where it was.
deploy --image "$(image 2)" --no-validate >/dev/null
"$svgx" staging rollback --journal "$work/journal"
[ "$(kube get deployment svgx-engine-staging --output=jsonpath='{.spec.template.spec.containers[0].image}')" = "$(image 1)" ]
deploy --image "$(image 1)" --no-validate >/dev/null
kept | diff "$work/before" -
"$svgx" staging status --journal "$work/journal"
if kubectl get --raw "/api/v1/namespaces/$namespace/events" | grep 'violates PodSecurity'; then exit 1; fi
echo "deployed again, rolled back by hand, deployed again: no secret and no volume was touched"

# By hand, as docs/staging-guide.md has it. The secrets go to a namespace of their own: those in the
# other are there, and stay.
kubectl create namespace by-hand
sed -n 's/^# *\(kubectl create secret .*\)/\1/p' k8s/staging-deployment.yaml k8s/monitoring.yaml |
    sed "s/-n $namespace/-n by-hand/" >"$work/secrets"
. "$work/secrets"
[ "$(kubectl get secrets -n by-hand --output=name | wc -l)" = 3 ]
kubectl apply -f k8s/staging-deployment.yaml >/dev/null 2>&1
kubectl apply -f k8s/monitoring.yaml >/dev/null 2>&1
until_true ready
kubectl get pods -n "$namespace"
kubectl get services -n "$namespace"
kubectl describe pod -n "$namespace" -l app=svgx-engine-staging | grep '^Name:  *svgx-engine-staging-'
[ "$(kubectl get events -n "$namespace" --sort-by='.lastTimestamp' --output=name | wc -l)" -gt 0 ]
kubectl get configmap -n "$namespace" -o yaml | grep -c svgx.toml
kubectl rollout undo deployment/svgx-engine-staging -n "$namespace"
until_true ready
[ "$(kube get deployment svgx-engine-staging --output=jsonpath='{.spec.template.spec.containers[0].image}')" = "$(image 1)" ]
kept | diff "$work/before" -
echo "by hand: the guide's lines of kubectl do what it says"
