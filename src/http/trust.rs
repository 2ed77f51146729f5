//! Whose certificates are trusted: `SSL_CERT_FILE`, the system's bundle, or the roots in the program.

use std::path::Path;

use ureq::tls::{Certificate, PemItem, RootCerts, parse_pem};

use crate::env::Env;
use crate::error::Error;

/// Where systems keep their bundle.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificates to trust.
pub fn roots(env: &Env) -> Result<RootCerts, Error> {
    if let Some(path) = env.get("SSL_CERT_FILE") {
        let path = Path::new(path);
        return read_bundle(path).ok_or_else(|| {
            let what = if path.exists() { "holds no certificate" } else { "does not exist" };
            Error::refused(
                format!("SSL_CERT_FILE names {}, which {what}", path.display()),
                "Name a PEM file with the certificates to trust, or unset SSL_CERT_FILE.",
            )
        });
    }
    let system = BUNDLES.iter().find_map(|path| read_bundle(Path::new(path)));
    Ok(system.unwrap_or(RootCerts::WebPki))
}

fn read_bundle(path: &Path) -> Option<RootCerts> {
    let pem = std::fs::read(path).ok()?;
    let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    (!certificates.is_empty()).then(|| RootCerts::from(certificates))
}
