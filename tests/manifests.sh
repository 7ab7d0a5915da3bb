#!/usr/bin/env bash
# The manifests, as the tools of the trade see them: rendered without drift, every core kind
# against the schemas of Kubernetes, every other kind against the models of its makers.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=${SVGX_TEST_TOOLS:-$PWD/target/tools}
mkdir -p "$tools/bin"
export PATH="$tools/bin:$PATH"
skipped=()

if ! command -v kustomize >/dev/null && ! command -v kubectl >/dev/null; then
    command -v go >/dev/null &&
        GOBIN=$tools/bin GOFLAGS=-mod=mod go install sigs.k8s.io/kustomize/kustomize/v5@v5.5.0 ||
        { echo "no kustomize, no kubectl, and no Go to build kustomize with"; exit 77; }
fi
k8s/render --check
echo "rendered files: no drift"

rendered=$(mktemp -d)
trap 'rm -rf "$rendered"' EXIT
build() { if command -v kustomize >/dev/null; then kustomize build "$1"; else kubectl kustomize "$1"; fi; }
for overlay in staging staging/monitoring production production/monitoring; do
    build "k8s/overlays/$overlay" >"$rendered/${overlay/\//-}.yaml"
done

# Schemas are in the package: no cluster and no download at run time.
core=$tools/kubernetes-validate
if [ ! -x "$core/bin/kubernetes-validate" ]; then
    python3 -m venv "$core" && "$core/bin/pip" install --quiet kubernetes-validate==1.37.0 ||
        { rm -rf "$core"; skipped+=("kubernetes-validate: it cannot be had here"); }
fi
[ ! -x "$core/bin/kubernetes-validate" ] || "$core/bin/kubernetes-validate" --strict "$rendered"/*.yaml

# The same schemas by another reader, which is also what many clusters' pipelines run.
schemas=$tools/kubernetes-schemas
packaged=("$core"/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema/v1.37.0-local-strict)
if [ ! -x "$tools/bin/kubeconform" ] && command -v go >/dev/null; then
    GOBIN=$tools/bin GOFLAGS=-mod=mod go install github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0 || true
fi
if [ -x "$tools/bin/kubeconform" ] && [ -d "${packaged[0]}" ]; then
    [ -d "$schemas/v1.37.0-strict" ] ||
        python3 tests/manifests/relocate.py "${packaged[0]}" "$schemas/v1.37.0-strict"
    kubeconform -strict -summary -kubernetes-version 1.37.0 \
        -schema-location "$schemas/{{.NormalizedKubernetesVersion}}{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json" \
        "$rendered"/*.yaml
else
    skipped+=("kubeconform: it or its schemas cannot be had here")
fi

# kubernetes-validate only warns of kinds it does not know.
models=$tools/kubernetes-models
if command -v npm >/dev/null; then
    mkdir -p "$models"
    cmp -s tests/manifests/package-lock.json "$models/package-lock.json" || {
        cp tests/manifests/package.json tests/manifests/package-lock.json "$models/"
        (cd "$models" && npm ci --silent --no-audit --no-fund) ||
            { rm -rf "$models"; skipped+=("custom kinds: their models cannot be had here"); }
    }
    if [ -d "$models" ]; then
        # Beside its modules, which it imports by name.
        cp tests/manifests/custom.mjs "$models/"
        node "$models/custom.mjs" k8s/components/prometheus-operator/{rules,service-monitor}.yaml \
            k8s/components/argo-rollouts/analysis-template.yaml
    fi
else
    skipped+=("custom kinds: no npm here")
fi
for reason in ${skipped[@]+"${skipped[@]}"}; do echo "not checked: $reason"; done
