//! The exporters of OTLP, as the standard `OTEL_*` variables describe them.
//!
//! Endpoint, headers, compression and timeouts are read by the exporters
//! themselves, for each signal apart (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, ...).
//! Here the protocol is chosen, and TLS is set up: the authorities of the
//! system, or those of `OTEL_EXPORTER_OTLP_CERTIFICATE`, and a certificate of
//! our own from `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `_CLIENT_KEY`.

use opentelemetry_otlp::tonic_types::transport::{Certificate, ClientTlsConfig, Identity};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, SpanExporter, WithExportConfig as _,
    WithHttpConfig as _, WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::LogExporter as _;
use opentelemetry_sdk::trace::SpanExporter as _;

use super::Error;
use super::settings::{Protocol, Signals, protocols};

/// The exporters of the signals that are sent.
#[derive(Debug)]
pub(super) struct Exporters {
    pub(super) spans: Option<SpanExporter>,
    pub(super) records: Option<LogExporter>,
    pub(super) metrics: Option<MetricExporter>,
}

/// Builds an exporter by its protocol.
macro_rules! build {
    ($exporter:ident, $signal:literal, $protocol:expr, $tls:expr) => {
        match $protocol {
            Protocol::Grpc => {
                let mut builder = $exporter::builder().with_tonic();
                // Setting TLS for a plain endpoint would make it fail.
                if is_secure($signal) {
                    builder = builder.with_tls_config($tls.for_grpc());
                }
                builder.build().map_err(failed)
            }
            Protocol::Http => $exporter::builder()
                .with_http()
                .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
                .with_http_client($tls.client()?)
                .build()
                .map_err(failed),
        }
    };
}

impl Exporters {
    /// Builds those of `signals`, inside the runtime they will run on.
    pub(super) fn build(resource: &Resource, signals: Signals) -> Result<Exporters, Error> {
        // Somebody else may have chosen before; any choice will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let protocols = protocols(|name| std::env::var(name).ok())?;
        let tls = Tls::read()?;
        let mut exporters = Exporters { spans: None, records: None, metrics: None };
        if signals.traces {
            let mut spans = build!(SpanExporter, "TRACES", protocols.traces, tls)?;
            spans.set_resource(resource);
            exporters.spans = Some(spans);
        }
        if signals.logs {
            let mut records = build!(LogExporter, "LOGS", protocols.logs, tls)?;
            records.set_resource(resource);
            exporters.records = Some(records);
        }
        if signals.metrics {
            exporters.metrics = Some(build!(MetricExporter, "METRICS", protocols.metrics, tls)?);
        }
        Ok(exporters)
    }
}

fn failed(error: ExporterBuildError) -> Error {
    Error::Exporter(error.to_string())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
}

/// Whether the endpoint of a signal asks for TLS.
fn is_secure(signal: &str) -> bool {
    variable(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"))
        .or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT"))
        .is_some_and(|endpoint| endpoint.starts_with("https://"))
}

/// Certificates in PEM.
#[derive(Debug, Default)]
struct Tls {
    authorities: Option<Vec<u8>>,
    own: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    fn read() -> Result<Tls, Error> {
        let file = |name: &str| {
            let Some(path) = variable(name) else { return Ok(None) };
            let bytes = std::fs::read(&path);
            bytes.map(Some).map_err(|e| Error::Exporter(format!("{name}: {path}: {e}")))
        };
        let certificate = file("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE")?;
        let key = file("OTEL_EXPORTER_OTLP_CLIENT_KEY")?;
        Ok(Tls { authorities: file("OTEL_EXPORTER_OTLP_CERTIFICATE")?, own: certificate.zip(key) })
    }

    fn for_grpc(&self) -> ClientTlsConfig {
        let mut config = match &self.authorities {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_enabled_roots(),
        };
        if let Some((certificate, key)) = &self.own {
            config = config.identity(Identity::from_pem(certificate, key));
        }
        config
    }

    fn client(&self) -> Result<reqwest::Client, Error> {
        let failed = |e: reqwest::Error| Error::Exporter(format!("TLS: {e}"));
        let mut builder = reqwest::Client::builder();
        if let Some(pem) = &self.authorities {
            let authorities = reqwest::Certificate::from_pem_bundle(pem).map_err(failed)?;
            builder = builder.tls_certs_only(authorities);
        }
        if let Some((certificate, key)) = &self.own {
            let both = [certificate.as_slice(), b"\n", key].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&both).map_err(failed)?);
        }
        builder.build().map_err(failed)
    }
}
