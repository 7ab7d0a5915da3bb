// Checks objects of custom kinds against the models of their makers:
// node custom.mjs FILE... A kind without a model is an error, unless it is kustomize's own.
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import * as operator from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1";
import * as rollouts from "@kubernetes-models/argo-rollouts/argoproj.io/v1alpha1";

const groups = { "monitoring.coreos.com/v1": operator, "argoproj.io/v1alpha1": rollouts };
let failed = 0;
for (const file of process.argv.slice(2)) {
  for (const document of parseAllDocuments(readFileSync(file, "utf8"))) {
    const object = document.toJS();
    if (object.apiVersion.startsWith("kustomize.config.k8s.io/")) continue;
    const name = `${file}: ${object.kind}/${object.metadata?.name}`;
    try {
      const Model = groups[object.apiVersion]?.[object.kind];
      if (!Model) throw new Error(`no model of ${object.kind} in ${object.apiVersion}`);
      new Model(object).validate();
      console.log(`${name} passed`);
    } catch (error) {
      failed += 1;
      console.error(`${name}: ${error.message}`);
    }
  }
}
process.exit(failed ? 1 : 0);
