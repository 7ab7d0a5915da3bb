//! TLS for the public endpoints, where no ingress does it: rustls, with a certificate that is
//! read again when its files change, so that a renewed one needs no restart.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::state::config::Config;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Only one half was given.
    #[error("TLS needs both --tls-cert and --tls-key")]
    Half,
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {reason}", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// rustls refuses its settings.
    #[error("TLS: {0}")]
    Settings(rustls::Error),
}

/// The certificate in force, and where it comes from.
#[derive(Debug)]
pub(crate) struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
    /// A hash of both files as they were read last, good or not.
    seen: Mutex<blake3::Hash>,
}

impl Certificate {
    /// The certificate that `config` names, if it names one.
    ///
    /// # Errors
    /// [`Error`] for one half only, or files that cannot be used.
    pub(crate) fn of(config: &Config) -> Result<Option<Arc<Certificate>>, Error> {
        match (&config.tls_cert, &config.tls_key) {
            (None, None) => Ok(None),
            (Some(chain), Some(key)) => Certificate::load(chain, key).map(|c| Some(Arc::new(c))),
            _ => Err(Error::Half),
        }
    }

    fn load(chain: &Path, key: &Path) -> Result<Certificate, Error> {
        let provider = Arc::new(ring::default_provider());
        let files = Files::read(chain, key)?;
        let current = files.certified(chain, key, &provider)?;
        Ok(Certificate {
            chain: chain.to_owned(),
            key: key.to_owned(),
            provider,
            current: ArcSwap::from_pointee(current),
            seen: Mutex::new(files.hash()),
        })
    }

    /// Reads the files again, if they have changed since. Answers whether there is a new
    /// certificate; when it cannot be used, the one in force stays, and the error is told once.
    ///
    /// # Errors
    /// [`Error`].
    pub(crate) fn reload(&self) -> Result<bool, Error> {
        let files = Files::read(&self.chain, &self.key)?;
        let hash = files.hash();
        if std::mem::replace(&mut *self.seen.lock(), hash) == hash {
            return Ok(false);
        }
        let fresh = files.certified(&self.chain, &self.key, &self.provider)?;
        self.current.store(Arc::new(fresh));
        Ok(true)
    }

    /// What rustls needs to serve with it: TLS 1.2 and 1.3.
    ///
    /// # Errors
    /// [`Error::Settings`].
    pub(crate) fn server(self: &Arc<Self>) -> Result<ServerConfig, Error> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(Error::Settings)?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(self) as _;
        Ok(builder.with_no_client_auth().with_cert_resolver(resolver))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Both files as they are on disk.
struct Files {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Files {
    fn read(chain: &Path, key: &Path) -> Result<Files, Error> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })
        };
        Ok(Files { chain: read(chain)?, key: read(key)? })
    }

    fn hash(&self) -> blake3::Hash {
        blake3::Hasher::new().update(&self.chain).update(b"\0").update(&self.key).finalize()
    }

    fn certified(
        &self,
        chain: &Path,
        key: &Path,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, Error> {
        let wrong = |path: &Path, reason: String| Error::Pem { path: path.to_owned(), reason };
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&self.chain)
                .collect::<Result<_, _>>()
                .map_err(|e| wrong(chain, e.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong(chain, "no certificate in it".to_owned()));
        }
        let secret = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|e| wrong(key, format!("no private key in it: {e}")))?;
        // Also compares the key with the certificate.
        CertifiedKey::from_der(certificates, secret, provider)
            .map_err(|e| wrong(key, format!("it does not belong to the certificate: {e}")))
    }
}
