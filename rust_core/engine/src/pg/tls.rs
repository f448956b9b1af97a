//! TLS to the server, with the meanings that libpq gave to `sslmode`.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use crate::error::{Code, EngineError, Result};

/// Whom a client takes for the server. The file holds the trusted issuers; without one, those of
/// the machine are trusted.
#[derive(Clone, Debug)]
pub(super) enum Trust {
    /// Anyone: `prefer` and `require` keep out listeners, not impostors.
    Anyone,
    /// Who has a certificate of a trusted issuer: `verify-ca`.
    Issuer(Option<PathBuf>),
    /// Who has one for this host's name: `verify-full`.
    Host(Option<PathBuf>),
}

/// The client's side of TLS.
///
/// # Errors
/// `CONNECTION_DENIED` when the issuers' file cannot be read.
pub(super) fn client(trust: &Trust) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?;
    Ok(match trust {
        Trust::Host(file) => builder
            .with_root_certificates(roots(file.as_ref())?)
            .with_no_client_auth(),
        Trust::Anyone => dangerous(
            builder,
            Lenient {
                issuers: None,
                provider,
            },
        ),
        Trust::Issuer(file) => {
            let roots = Arc::new(roots(file.as_ref())?);
            let issuers = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider));
            let issuers = Some(issuers.build().map_err(|error| failed(&error))?);
            dangerous(builder, Lenient { issuers, provider })
        }
    })
}

fn dangerous(
    builder: rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>,
    verifier: Lenient,
) -> ClientConfig {
    builder
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth()
}

fn roots(file: Option<&PathBuf>) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    let Some(file) = file else {
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(store);
    };
    let unreadable = |error: &dyn std::fmt::Display| {
        let text = format!(
            "the certificates in {} cannot be read: {error}",
            file.display()
        );
        EngineError::new(Code::ConnectionDenied, text).place("sslrootcert")
    };
    let found = CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))?;
    for certificate in found {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        store.add(certificate).map_err(|error| unreadable(&error))?;
    }
    Ok(store)
}

fn failed(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::new(
        Code::ConnectionDenied,
        format!("TLS cannot be set up: {error}"),
    )
}

/// Accepts what libpq's weaker modes accept.
#[derive(Debug)]
struct Lenient {
    issuers: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(issuers) = &self.issuers else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified =
            issuers.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
