//! Whose certificates are trusted: `SSL_CERT_FILE`, the system's bundle, or the roots in the program.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};

use webpki::{EndEntityCert, anchor_from_trusted_cert};

use crate::error::Error;
use crate::host::env::Env;

/// Where systems keep their bundle.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The authorities to trust.
#[derive(Debug)]
pub enum Roots {
    /// Those of a PEM file, as it was read.
    Bundle(Vec<u8>),
    /// Mozilla's, as of when this program was built.
    Embedded,
}

impl Roots {
    /// What the environment and the system say.
    pub fn of(env: &Env) -> Result<Roots, Error> {
        if let Some(path) = env.get("SSL_CERT_FILE") {
            let path = Path::new(path);
            return read_bundle(path).map_err(|what| {
                Error::failure(
                    format!("SSL_CERT_FILE names {}, which {what}", path.display()),
                    "Name a PEM file with the certificates to trust, or unset SSL_CERT_FILE.",
                )
            });
        }
        Ok(Roots::of_system(&BUNDLES))
    }

    fn of_system(bundles: &[&str]) -> Roots {
        let system = bundles.iter().find_map(|path| read_bundle(Path::new(path)).ok());
        system.unwrap_or(Roots::Embedded)
    }

    /// Those that any of these certificates names as its issuer.
    fn issuers_of(
        &self,
        end_entity: &CertificateDer,
        intermediates: &[CertificateDer],
    ) -> RootCertStore {
        let presented: Vec<_> = std::iter::once(end_entity)
            .chain(intermediates)
            .filter_map(|certificate| EndEntityCert::try_from(certificate).ok())
            .collect();
        let is_named =
            |root: &TrustAnchor| presented.iter().any(|child| child.issuer() == &*root.subject);
        match self {
            Roots::Bundle(pem) => certificates_in(pem)
                .filter_map(|root| {
                    let anchor = anchor_from_trusted_cert(&root).ok()?;
                    is_named(&anchor).then(|| anchor.to_owned())
                })
                .collect(),
            Roots::Embedded => webpki_roots::TLS_SERVER_ROOTS
                .iter()
                .filter(|anchor| is_named(anchor))
                .cloned()
                .collect(),
        }
    }
}

/// A PEM file, or what is wrong with it.
fn read_bundle(path: &Path) -> Result<Roots, String> {
    let pem = std::fs::read(path).map_err(|error| format!("cannot be read: {}", error.kind()))?;
    if certificates_in(&pem).next().is_none() {
        return Err("holds no certificate".to_owned());
    }
    Ok(Roots::Bundle(pem))
}

fn certificates_in(pem: &[u8]) -> impl Iterator<Item = CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).flatten()
}

/// Checks a server's certificate as rustls would by itself, but makes sense only of those authorities
/// that it names: a system has a hundred and forty.
#[derive(Debug)]
pub struct Verifier {
    roots: Roots,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// One that trusts these roots.
    pub fn new(roots: Roots, provider: Arc<CryptoProvider>) -> Self {
        Verifier { roots, provider }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer,
        intermediates: &[CertificateDer],
        server_name: &ServerName,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        verify_server_cert_signed_by_trust_anchor(
            &certificate,
            &self.roots.issuers_of(end_entity, intermediates),
            intermediates,
            now,
            self.provider.signature_verification_algorithms.all,
        )?;
        verify_server_name(&certificate, server_name)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_a_bundle_has_the_embedded_roots() {
        let roots = Roots::of_system(&["/nonexistent/ca.pem", "/dev/null"]);
        assert!(matches!(roots, Roots::Embedded));
    }

    fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
        let length = match u16::try_from(contents.len()).unwrap().to_be_bytes() {
            [0, low @ ..0x80] => vec![low],
            [0, low] => vec![0x81, low],
            [high, low] => vec![0x82, high, low],
        };
        [&[tag], &length[..], contents].concat()
    }

    /// No more of a certificate than says who has issued it.
    fn issued_by(name: &[u8]) -> CertificateDer<'static> {
        const SEQUENCE: u8 = 0x30;
        let (version, number) = (der(0xa0, &der(2, &[2])), der(2, &[1]));
        let (issuer, empty) = (der(SEQUENCE, name), der(SEQUENCE, &[]));
        // The algorithm comes before the issuer; time, subject and key come after it.
        let signed = [&version, &number, &empty, &issuer, &empty, &empty, &empty];
        let signed = der(SEQUENCE, &signed.map(Vec::as_slice).concat());
        let signature = der(3, &[0]);
        der(SEQUENCE, &[signed, empty, signature].concat()).into()
    }

    #[test]
    fn each_embedded_root_is_found_by_what_it_has_issued_and_no_other_is() {
        let unknown = issued_by(b"nobody");
        for root in webpki_roots::TLS_SERVER_ROOTS {
            let named: Vec<_> = webpki_roots::TLS_SERVER_ROOTS
                .iter()
                .filter(|other| other.subject == root.subject)
                .cloned()
                .collect();
            let child = issued_by(&root.subject);
            assert_eq!(Roots::Embedded.issuers_of(&child, &[]).roots, named);
            let intermediates = [unknown.clone(), child];
            assert_eq!(Roots::Embedded.issuers_of(&unknown, &intermediates).roots, named);
        }
        assert!(Roots::Embedded.issuers_of(&unknown, &[]).is_empty());
    }
}
