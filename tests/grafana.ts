// What tests/grafana.sh puts in front of a dashboard's JSON.
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";

// The package describes values of its own enums and builders; JSON has their texts, and its queries are
// those of Prometheus.
type Query = { _implementsDataqueryVariant(): void };
type Plain<T> = T extends Query
    ? { [K in keyof Dataquery as Exclude<K, keyof Query>]: Plain<Dataquery[K]> }
    : T extends string
      ? `${T}`
      : T extends number | boolean | null | undefined
        ? T
        : T extends (infer U)[]
          ? Plain<U>[]
          : { [K in keyof T]: Plain<T[K]> };
